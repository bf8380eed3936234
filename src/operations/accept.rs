//! Which of two forms a client prefers, by its `Accept` (RFC 9110, 12.5.1).

use http::HeaderMap;
use http::header::ACCEPT;

/// Whether text is wanted rather than JSON. JSON where both are equally welcome, or neither is.
pub(super) fn prefers_text(headers: &HeaderMap) -> bool {
    let ranges = ranges(headers);
    quality(&ranges, "text", "plain") > quality(&ranges, "application", "json")
}

/// Whether it is a browser that asks, for somebody to look at.
pub(super) fn prefers_page(headers: &HeaderMap) -> bool {
    let ranges = ranges(headers);
    quality(&ranges, "text", "html") > quality(&ranges, "text", "plain")
}

/// Whether metrics are wanted as OpenMetrics rather than in Prometheus' older format: only where that is asked for by name.
#[cfg(feature = "prometheus")]
pub(super) fn prefers_open_metrics(headers: &HeaderMap) -> bool {
    const OPEN: (&str, &str) = ("application", "openmetrics-text");
    let ranges = ranges(headers);
    let by_name = ranges.iter().any(|range| range.closeness(OPEN.0, OPEN.1) == 3);
    let open = quality(&ranges, OPEN.0, OPEN.1);
    by_name && open > 0 && open >= quality(&ranges, "text", "plain")
}

fn ranges(headers: &HeaderMap) -> Vec<Range<'_>> {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).filter_map(Range::parse).collect()
}

/// One of the types that a client takes.
#[derive(Debug, PartialEq)]
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    /// In thousandths.
    quality: u16,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let quality = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
        });
        let quality = match quality.map(str::parse::<f32>) {
            None => 1000,
            Some(Ok(quality)) if (0.0..=1.0).contains(&quality) => (quality * 1000.0) as u16,
            Some(_) => return None,
        };
        Some(Self { kind, subtype, quality })
    }

    /// How closely it speaks of a type; 0 where it does not.
    fn closeness(&self, kind: &str, subtype: &str) -> u8 {
        match (self.kind, self.subtype) {
            ("*", "*") => 1,
            (of, "*") if of.eq_ignore_ascii_case(kind) => 2,
            (of, sub) if of.eq_ignore_ascii_case(kind) && sub.eq_ignore_ascii_case(subtype) => 3,
            _ => 0,
        }
    }
}

/// How welcome a type is: by the range that speaks of it most closely.
fn quality(ranges: &[Range<'_>], kind: &str, subtype: &str) -> u16 {
    let closeness = |range: &&Range<'_>| range.closeness(kind, subtype);
    let closest = ranges.iter().filter(|range| closeness(range) > 0).max_by_key(closeness);
    closest.map_or(0, |range| range.quality)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefers(accept: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in accept {
            headers.append(ACCEPT, value.parse().unwrap());
        }
        prefers_text(&headers)
    }

    #[cfg(feature = "prometheus")]
    #[test]
    fn open_metrics_are_for_whoever_names_them_and_likes_nothing_better() {
        // The first is what Prometheus 2.42 sends, the second what 3.5 does.
        const OLD: &str = "application/openmetrics-text;version=1.0.0;q=0.75,\
            application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4;q=0.25,*/*;q=0.1";
        const NEW: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
            text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        for (accept, open) in [
            (OLD, true),
            (NEW, true),
            ("application/openmetrics-text", true),
            ("text/plain", false),
            ("*/*", false),
            ("application/*", false),
            ("application/openmetrics-text;q=0, */*", false),
            ("text/plain;version=0.0.4, application/openmetrics-text;q=0.9", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
            assert_eq!(prefers_open_metrics(&headers), open, "{accept}");
        }
    }

    #[test]
    fn text_is_given_to_whoever_prefers_it_and_json_to_all_others() {
        for (accept, text) in [
            (&[][..], false),
            (&["*/*"], false),
            (&["text/plain"], true),
            (&["TEXT/Plain;charset=utf-8"], true),
            (&["text/*"], true),
            (&["application/json"], false),
            (&["text/plain, application/json"], false),
            (&["text/plain", "application/json;q=0.9"], true),
            (&["text/plain;q=0.8, application/json;q=0.9"], false),
            (&["text/plain; q=0.5, */*; q=0.1"], true),
            (&["text/plain; Q=0.05, */*; q=0.1"], false),
            (&["*/*;q=0.9, text/plain;q=0"], false),
            (&["text/*;q=0.3, application/*;q=0.2"], true),
            // Of a browser.
            (&["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"], false),
            (&["image/png"], false),
            (&["text/plain;q=two"], false),
            (&["nonsense, text/plain"], true),
        ] {
            assert_eq!(prefers(accept), text, "{accept:?}");
        }
    }
}
