//! From a camera to finished, unsealed parts of Events.
//!
//! [`watch`] keeps a camera connected, looks at its pictures for motion, and cuts what it records into Events: CMAF segments that
//! begin at key frames, a thumbnail, a preview strip and a card. It seals nothing, stores nothing and knows no home: the agent
//! takes the parts from here. The main stream is recorded as the camera sent it, never decoded to be encoded anew.
//!
//! Invariant: what is cut is cut by state machines without IO (`cut`, `motion`, `stills`, `stall`), and nothing a camera sends makes them panic.

mod card;
mod cut;
mod decode;
mod demo;
mod error;
mod feeds;
mod h264;
mod identity;
mod item;
mod looking;
mod media;
mod motion;
mod mux;
mod picture;
mod probe;
mod recorder;
mod rtsp;
mod settings;
mod source;
mod stills;
mod watch;

pub use card::{Card, CardAudio, CardVideo, MotionBox};
pub use demo::{DemoScene, DemoView};
pub use error::CameraError;
pub use identity::CameraIdentity;
pub use item::{AudioInfo, CameraItem, Cause, Ended, VideoInfo};
pub use probe::{Found, FoundStream, probe};
pub use settings::{Mask, Sensitivity, WatchSettings};
pub use source::{CameraSource, Login, Password, RtspSource, RtspUrl};
pub use watch::{Handle, Watch, watch};
