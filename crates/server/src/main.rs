//! The program `antaca`: an open card management system.

fn main() -> std::process::ExitCode {
    server::main()
}
