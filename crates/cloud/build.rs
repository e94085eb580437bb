//! Embeds the web client anew whenever a file of it changes: the macro that reads the folder can't tell Cargo so itself.

fn main() {
    println!("cargo::rerun-if-changed=../../web");
}
