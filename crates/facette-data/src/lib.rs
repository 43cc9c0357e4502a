//! Where do pictures, identities, pairs and two-view batches come from?
//!
//! A [`Source`] is what a recipe says of one place that holds pictures; [`open_sources`] makes one
//! [`Dataset`] of all of them without decoding anything. [`Selection`] takes part of it;
//! [`Dataset::prepare`] decodes it and finds the bad pictures; a [`Loader`] then yields
//! [`TwoViewBatch`]es, prepared ahead of the step and the same for any number of threads.
//!
//! ```
//! use facette_data::{Cursor, Loader, LoaderSettings, Preparation, SamplerSettings, Source, Views};
//! use facette_image::View;
//!
//! let source = Source::new("synthetic", None).with("identities", 4).with("shots", 5);
//! let dataset = source.open()?;
//! let prepared = dataset.prepare(&Preparation::default(), &mut |_| {})?;
//! let sampler = SamplerSettings::Shuffled { batch: 8 }.build(prepared.dataset(), 1)?;
//! let views = Views { student: View::square(16), teacher: None };
//! let loader = Loader::new(prepared, sampler, views, LoaderSettings::default(), 1)?;
//! let batch = loader.batches(Cursor::default(), 1).next().expect("two steps")?;
//! assert_eq!(batch.student.len(), 8 * 3 * 16 * 16);
//! # Ok::<(), facette_data::DataError>(())
//! ```

mod bad;
mod cache;
mod dataset;
mod digest;
mod domain;
mod error;
mod features;
mod features_file;
mod inspect;
mod loader;
mod pairs;
mod pass;
mod prepare;
mod progress;
mod readers;
mod region;
mod registry;
mod sampler;
mod select;
mod source;
mod storage;

pub use bad::{BadPicture, BadPictures};
pub use dataset::{Dataset, Item};
pub use digest::Digest;
pub use domain::Domain;
pub use error::DataError;
pub use features_file::read_features_file;
pub use inspect::{Overview, Spread, views_sheet};
pub use loader::{Batches, Loader, LoaderSettings, TeacherMode, TeacherView, TwoViewBatch, Views};
pub use pairs::{Pair, PairSide, Pairs};
pub use prepare::{Decode, Preparation, Prepared};
pub use progress::{Progress, Report};
pub use region::Region;
pub use registry::{DATASETS, DatasetSpec, SettingSpec, dataset_spec};
pub use sampler::{Balanced, Cursor, Domains, Sampler, SamplerSettings, Sequential, Shuffled};
pub use select::{Selection, Split};
pub use source::{Source, concat, open_sources};
pub use storage::Storage;
