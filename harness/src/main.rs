//! The command `anycast-lab`.

fn main() -> std::process::ExitCode {
    harness::cli::main()
}
