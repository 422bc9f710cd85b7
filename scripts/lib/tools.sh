# The programs that the checks need, installed where they are missing. To be sourced by bash in
# the root of the repository, after scripts/lib/postgres.sh.
#
#   install_packages     a PostgreSQL server, curl, make, SoftHSM, OpenSSH, Chromium, Python and Node, from the system's packages
#   install_cargo_deny   sets CARGO_DENY
#   install_cargo_fuzz   sets CARGO_FUZZ
#   install_python       sets PYTHON, the one of a virtual environment with tests/python's packages
#   install_node         sets NODE_FOLDER, the folder with tests/node's packages

CARGO_DENY_VERSION=0.20.2
CARGO_FUZZ_VERSION=0.13.2
TARGET=$(realpath -m "${CARGO_TARGET_DIR:-target}")

# The packages of Debian that are missing here.
missing_packages() {
    postgres_programs >/dev/null || echo postgresql
    command -v curl >/dev/null || echo curl
    command -v make >/dev/null || echo make
    command -v softhsm2-util >/dev/null || echo softhsm2
    command -v ssh >/dev/null || echo openssh-client
    [ -x /usr/sbin/sshd ] || [ -x /usr/local/sbin/sshd ] || echo openssh-server
    if ! command -v python3 >/dev/null; then
        echo python3 python3-venv
    elif ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        echo python3-venv
    fi
    command -v chromium >/dev/null || echo chromium
    command -v node >/dev/null || echo nodejs
    command -v npm >/dev/null || echo npm
}

# Runs a command as root, or fails.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        return 1
    fi
}

install_packages() {
    local missing
    missing=$(missing_packages | xargs)
    [ -n "$missing" ] || return 0
    echo "Installing: $missing"
    case " $missing " in
        *" postgresql "*) without_default_cluster || true ;;&
        *" openssh-server "*) without_running_sshd || true ;;
    esac
    # shellcheck disable=SC2086 # a list of names
    if ! command -v apt-get >/dev/null \
        || ! as_root apt-get update -qq \
        || ! as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends $missing \
        || [ -n "$(missing_packages)" ]; then
        echo "The checks need programs that could not be installed. Install these packages, or" \
            "what your system calls them, and run this again: $missing" >&2
        exit 1
    fi
}

# Keeps Debian from making and starting a PostgreSQL that nobody asked for.
without_default_cluster() {
    local folder=/etc/postgresql-common/createcluster.d
    [ -e "$folder/antaca.conf" ] && return 0
    as_root mkdir -p "$folder"
    echo "create_main_cluster = false" | as_root tee "$folder/antaca.conf" >/dev/null
}

# Keeps Debian from starting an SSH server that nobody asked for: tests start their own.
without_running_sshd() {
    local unit=/etc/systemd/system/ssh.service
    [ -e "$unit" ] || { as_root mkdir -p "${unit%/*}" && as_root ln -s /dev/null "$unit"; }
}

install_cargo_deny() {
    local wanted="cargo-deny $CARGO_DENY_VERSION"
    CARGO_DENY=$(command -v cargo-deny) || CARGO_DENY=
    if [ -n "$CARGO_DENY" ] && [ "$("$CARGO_DENY" --version)" = "$wanted" ]; then
        return 0
    fi
    CARGO_DENY=$TARGET/tools/bin/cargo-deny
    if [ ! -x "$CARGO_DENY" ] || [ "$("$CARGO_DENY" --version)" != "$wanted" ]; then
        echo "Building $wanted, once"
        cargo install cargo-deny --version "$CARGO_DENY_VERSION" --locked --debug --quiet \
            --root "$TARGET/tools"
    fi
}

install_cargo_fuzz() {
    local wanted="cargo-fuzz $CARGO_FUZZ_VERSION"
    CARGO_FUZZ=$TARGET/tools/bin/cargo-fuzz
    if [ ! -x "$CARGO_FUZZ" ] || [ "$("$CARGO_FUZZ" --version)" != "$wanted" ]; then
        echo "Building $wanted, once"
        cargo install cargo-fuzz --version "$CARGO_FUZZ_VERSION" --locked --debug --quiet \
            --root "$TARGET/tools"
    fi
}

install_python() {
    local folder=$TARGET/venv
    PYTHON=$folder/bin/python
    if cmp -s tests/python/requirements.txt "$folder/installed.txt" \
        && "$PYTHON" -c 'import jwcrypto, pypdf, schemathesis' 2>/dev/null; then
        return 0
    fi
    echo "Making the virtual environment of tests/python, once"
    rm -rf "$folder"
    python3 -m venv "$folder"
    "$PYTHON" -m pip install --quiet --disable-pip-version-check -r tests/python/requirements.txt
    cp tests/python/requirements.txt "$folder/installed.txt"
}

install_node() {
    NODE_FOLDER=$TARGET/node
    cmp -s tests/node/package-lock.json "$NODE_FOLDER/installed.json" && return 0
    echo "Installing the packages of tests/node, once"
    rm -rf "$NODE_FOLDER"
    mkdir -p "$NODE_FOLDER"
    cp tests/node/package.json tests/node/package-lock.json "$NODE_FOLDER"
    npm ci --prefix "$NODE_FOLDER" --ignore-scripts --no-audit --no-fund --silent
    cp tests/node/package-lock.json "$NODE_FOLDER/installed.json"
}
