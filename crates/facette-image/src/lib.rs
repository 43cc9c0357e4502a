//! What is a picture to a network?
//!
//! Decoding, resizing by the rules of Pillow, OpenCV and PyTorch, aligned face crops, degradations
//! and normalised planes: one implementation for training and for serving, so that a student never
//! meets pictures made otherwise than those it learnt from.
//!
//! A [`Picture`] is 8-bit RGB. A [`View`] says how a network wants to see it:
//!
//! ```
//! use facette_image::{Picture, View, random::stream};
//! let picture = Picture::filled(112, 112, [90, 80, 70]).unwrap();
//! let view: View = serde_json::from_str(
//!     r#"{"size": 16, "jitter": {"scale": [0.9, 1.0], "flip": 0.5, "brightness": 0.05}}"#,
//! )
//! .unwrap();
//! let mut planes = vec![0.0; view.len()]; // 3 x 16 x 16
//! view.clean(&picture, false, &mut planes).unwrap();
//! let drawn = view.train(&picture, &mut stream(7, "student", 0), &mut planes).unwrap();
//! println!("{drawn}"); // crop 101.3x101.3+5.2+3.9, mirrored, brightness 0.03
//! ```

mod align;
mod decode;
pub mod degrade;
mod encode;
mod error;
mod jpeg;
mod picture;
mod resize;
mod sheet;
pub mod synthetic;
mod view;

pub use align::{ARCFACE_112, Point, Similarity, align, template};
pub use decode::DecodeOptions;
pub use error::ImageError;
pub use facette_random as random;
pub use facette_resize::{Border, Channels, Kernel};
pub use picture::Picture;
pub use resize::{resize, resize_plane};
pub use sheet::contact_sheet;
pub use view::{Erase, Frame, Jitter, Jittered, PerChannel, Size, Tone, View};
