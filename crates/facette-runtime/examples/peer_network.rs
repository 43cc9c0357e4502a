//! Writes the network that peers are compared on as a student file, with drawn weights:
//! `cargo run --release -p facette-runtime --example peer_network -- FILE`. It is residual, 32/64/96
//! channels wide, two blocks a stage, for 16x16 pictures; `benches/infer_onnx.py` reads it.

#[allow(dead_code, reason = "tests use the rest")]
#[path = "../tests/runtime/support.rs"]
mod support;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("name the file to write")?;
    support::student(support::residual_b(), facette_graph::Norm::None, 1).save(path.as_ref())?;
    Ok(())
}
