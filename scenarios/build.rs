//! `ANYCAST_LAB_CELLS=all` makes tests of the full product of every matrix.

fn main() {
    println!("cargo:rerun-if-env-changed=ANYCAST_LAB_CELLS");
    println!("cargo:rustc-check-cfg=cfg(every_cell)");
    match std::env::var("ANYCAST_LAB_CELLS").as_deref() {
        Ok("all") => println!("cargo:rustc-cfg=every_cell"),
        Err(_) | Ok("" | "default") => {}
        Ok(other) => panic!("ANYCAST_LAB_CELLS is `{other}`: expected `all` or `default`"),
    }
}
