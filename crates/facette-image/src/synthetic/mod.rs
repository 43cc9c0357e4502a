//! Faces that facette draws itself, for examples, tests and first steps.
//!
//! An [`Identity`] is a person who does not exist: shape, skin, features, hair. A [`Shot`] is the
//! circumstances of a picture: pose, light, expression, accessories, background, camera. The two
//! are drawn independently, so that nothing about the circumstances betrays the person, and a
//! network that tells these people apart must have learnt to look at faces. [`render`] makes the
//! picture: a height field of the face, lit by a lamp and its surroundings, painted with the
//! features, turned, and cropped where a landmark aligner would crop.
//!
//! ```
//! use facette_image::random::stream;
//! use facette_image::synthetic::{Identity, Shot, render};
//! let person = Identity::draw(&mut stream(1, "synthetic/identity", 42));
//! let shot = Shot::draw(&mut stream(1, "synthetic/shot/42", 0));
//! let picture = render(&person, &shot, 112).unwrap();
//! assert_eq!((picture.width(), picture.height()), (112, 112));
//! ```

mod background;
mod beard;
mod body;
mod brows;
mod camera;
mod colour;
mod dice;
mod expression;
mod eyes;
mod glasses;
mod hair;
mod hat;
mod head;
mod identity;
mod light;
mod mouth;
mod nose;
mod pose;
mod relief;
mod render;
mod shot;
mod skin;
mod surface;
mod temperament;
mod texture;

pub use identity::Identity;
pub use render::render;
pub use shot::Shot;
