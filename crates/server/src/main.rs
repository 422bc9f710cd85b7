//! The program `antaca`: an open card management system.

/// For Rust and for the libraries in C: the system's own took an eighth of the engine's time.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    server::main()
}
