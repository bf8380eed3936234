//! Names and values of one series' labels.

use std::fmt::{Error, Write};

use prometheus_client::encoding::{EncodeLabelSet, LabelSetEncoder};

/// Labels in their order. Those without a value are left out.
pub(super) struct Labels<'a, const N: usize>(pub(super) [(&'static str, Option<&'a str>); N]);

impl<const N: usize> EncodeLabelSet for Labels<'_, N> {
    fn encode(&self, encoder: &mut LabelSetEncoder) -> Result<(), Error> {
        for (name, value) in self.0.iter().filter_map(|(name, value)| Some((name, (*value)?))) {
            let mut label = encoder.encode_label();
            let mut key = label.encode_label_key()?;
            key.write_str(name)?;
            let mut text = key.encode_label_value()?;
            text.write_str(value)?;
            text.finish()?;
        }
        Ok(())
    }
}

/// A single label.
pub(super) fn label<'a>(name: &'static str, value: &'a str) -> Labels<'a, 1> {
    Labels([(name, Some(value))])
}
