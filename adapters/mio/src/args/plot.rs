//! `skep plot`.

use clap::Args;
use std::path::PathBuf;

use crate::exit::CODES;

const EXAMPLES: &str = "\
Draws what `skep get --trace FILE` or `skep put --trace FILE` wrote: what was sent, acknowledged, lost and received over \
time; the rate; and round-trip time and window. The traces are qlog 0.3 as JSON text sequences, which other tools draw too. \
Traces of other programs' QUIC connections are drawn as well if they are JSON text sequences: each packet at the offset of its \
first STREAM frame, whichever stream that is of. Records that are cut off or damaged are left out, and how many is said.

Examples:
  skep get --trace bee.sqlog rdt://bee.example/bee.jpg
  skep plot bee.sqlog -o bee.svg";

/// Draw a trace of a transfer
#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{EXAMPLES}\n\n{CODES}"))]
pub struct Plot {
    /// The trace
    #[arg(value_name = "FILE")]
    pub trace: PathBuf,

    /// The drawing, SVG; - is standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
}
