//! `skep demo`.

use crate::{args::Demo, exit::Failure};

pub(super) fn run(_: &Demo) -> Result<(), Failure> {
    Err(Failure::usage("not built yet"))
}
