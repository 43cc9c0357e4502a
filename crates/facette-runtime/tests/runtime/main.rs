//! The runtime against plain loops, against itself, and against bad files.

mod allocation;
mod hostile;
mod int8;
mod networks;
mod pixels;
mod reference;
mod shipped;
mod support;
