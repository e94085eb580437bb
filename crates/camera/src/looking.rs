//! Lends the analyser to a blocking thread for each picture, so that decoding never holds up the connections.

use std::sync::Arc;

use crate::decode::{Analyser, Look};
use crate::media::{Arrival, VideoFormat, VideoFrame};
use crate::recorder::Recorder;
use crate::{CameraError, CameraItem, WatchSettings};

/// The analyser, lent to a blocking thread while it decodes.
pub(crate) struct Looking {
    analyser: Option<Box<Analyser>>,
    motion: bool,
    format: Option<Arc<VideoFormat>>,
}

impl Looking {
    pub(crate) fn new(settings: &WatchSettings) -> Result<Self, CameraError> {
        let analyser = Some(Box::new(Analyser::new(settings)?));
        Ok(Self { analyser, motion: settings.motion, format: None })
    }

    /// Something of the recorded stream; looked at only if there is no other.
    pub(crate) async fn main(
        &mut self,
        arrival: Arrival,
        recorder: &mut Recorder,
        look: bool,
    ) -> Result<Vec<CameraItem>, CameraError> {
        match arrival {
            Arrival::Format(format) => {
                self.format(Some(format), recorder);
                Ok(Vec::new())
            }
            Arrival::Audio(frame) => {
                recorder.audio(frame);
                Ok(Vec::new())
            }
            Arrival::Video(frame) => {
                let copy = frame.clone();
                let mut items = recorder.video(frame);
                if let Some(format) = self.format.clone().filter(|_| look) {
                    items.extend(self.look(format, copy, recorder).await?);
                }
                Ok(items)
            }
        }
    }

    /// The recorded stream's format.
    pub(crate) fn format(&mut self, format: Option<Arc<VideoFormat>>, recorder: &mut Recorder) {
        let Some(format) = format else { return };
        if let Some(analyser) = &mut self.analyser {
            analyser.set_shape(&format);
        }
        self.format = Some(format.clone());
        recorder.format(format);
    }

    /// A picture of the substream.
    pub(crate) async fn sub(
        &mut self,
        format: Arc<VideoFormat>,
        frame: VideoFrame,
        recorder: &mut Recorder,
    ) -> Result<Vec<CameraItem>, CameraError> {
        self.look(format, frame, recorder).await
    }

    async fn look(
        &mut self,
        format: Arc<VideoFormat>,
        frame: VideoFrame,
        recorder: &mut Recorder,
    ) -> Result<Vec<CameraItem>, CameraError> {
        let lost = || CameraError::Codec("the decoder is gone".into());
        let mut analyser = self.analyser.take().ok_or_else(lost)?;
        let wish = recorder.wish();
        let looked = tokio::task::spawn_blocking(move || {
            let look = analyser.look(&format, &frame, wish);
            (analyser, look)
        });
        let (analyser, look) = looked.await.map_err(|_| lost())?;
        self.analyser = Some(analyser);
        Ok(look.map(|look| recorder.look(self.without_motion(look))).unwrap_or_default())
    }

    fn without_motion(&self, mut look: Look) -> Look {
        look.seen.moving &= self.motion;
        look
    }
}
