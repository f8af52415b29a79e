//! The figures of the run, as Prometheus reads them.

use super::failure::{Failure, Refused};
use super::routes::App;
use crate::engine::tally::{BOUNDS, Durations, Figures, Whose};
use crate::model::snapshot::{InstanceStatus, PhaseName};
use crate::output::{Count, Stream};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::atomic::Ordering;

/// The figures of the run, as Prometheus reads them.
#[utoipa::path(get, path = "/metrics", tag = "metrics",
    responses((status = 200, description = "The text format of Prometheus.", body = String, content_type = "text/plain"), Refused))]
pub(super) async fn metrics(State(app): State<App>) -> Result<Response, Failure> {
    let figures = app.handle.figures().await?;
    let missed = app.missed.load(Ordering::Relaxed);
    let text = words(Scrape { figures, missed });
    let text =
        text.map_err(|_| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "the figures cannot be written"))?;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

/// The figures in the text format of Prometheus.
fn words(scrape: Scrape) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("proc");
    registry.register_collector(Box::new(scrape));
    let mut text = String::new();
    text::encode_registry(&mut text, &registry)?;
    Ok(plain(&text))
}

/// The library writes `OpenMetrics`, where the head of a counter has not the `_total` that its samples have.
fn plain(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let counters: Vec<&str> =
        lines.iter().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter")).collect();
    let mut plain = String::with_capacity(text.len());
    for line in lines {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some(what), Some(name), Some(rest)) if counters.contains(&name) => {
                for part in ["# ", what, " ", name, "_total ", rest] {
                    plain.push_str(part);
                }
            }
            _ => plain.push_str(line),
        }
        plain.push('\n');
    }
    plain
}

/// What there is at a moment.
#[derive(Debug)]
struct Scrape {
    figures: Figures,
    /// The lines that were dropped because those who follow the log were too slow.
    missed: u64,
}

/// A sample: its labels, and how its value is written.
type Sample<'a> = (Vec<(&'static str, String)>, Value<'a>);

enum Value<'a> {
    Counter(f64),
    Gauge(f64),
    Histogram(&'a Durations),
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        use MetricType::{Counter, Gauge, Histogram};
        let Figures { snapshot, written, starts, stops } = &self.figures;
        let mut family = |name, help, metric_type, samples: Vec<Sample<'_>>| {
            let mut family = encoder.encode_descriptor(name, help, None, metric_type)?;
            samples.iter().try_for_each(|(labels, value)| {
                if labels.is_empty() {
                    return sample(&mut family, value);
                }
                sample(&mut family.encode_family(labels)?, value)
            })
        };
        let each = |value: &dyn Fn(&InstanceStatus) -> Option<Value<'static>>| {
            let all = snapshot.instances.iter();
            all.filter_map(|status| Some((labels(status), value(status)?))).collect::<Vec<_>>()
        };
        family(
            "run_uptime_seconds",
            "How long the run has gone on",
            Gauge,
            vec![(Vec::new(), Value::Gauge(snapshot.uptime_seconds))],
        )?;
        family(
            "up",
            "Whether the process runs",
            Gauge,
            each(&|status| Some(yes(status.phase == PhaseName::Running))),
        )?;
        family(
            "healthy",
            "Whether the process is ready, as its probe says",
            Gauge,
            each(&|status| status.is_healthy.map(yes)),
        )?;
        family(
            "phase",
            "Where the process is: 1 for its phase, 0 for all others",
            Gauge,
            phases(&snapshot.instances),
        )?;
        family(
            "restarts",
            "How often the process was started after the first time",
            Counter,
            each(&|status| Some(Value::Counter(status.restarts.into()))),
        )?;
        family(
            "uptime_seconds",
            "How long the process has run",
            Gauge,
            each(&|status| status.uptime_seconds.map(Value::Gauge)),
        )?;
        family(
            "cpu_seconds",
            "Processor time of the process and those below it",
            Counter,
            each(&|status| Some(Value::Counter(status.usage?.cpu_seconds))),
        )?;
        family(
            "memory_bytes",
            "Resident memory of the process and those below it",
            Gauge,
            each(&|status| Some(Value::Gauge(number(status.usage?.memory_bytes)))),
        )?;
        family(
            "processes",
            "How many processes there are, the process and those below it",
            Gauge,
            each(&|status| Some(Value::Gauge(status.usage?.processes.into()))),
        )?;
        family("output_lines", "Lines that were written", Counter, output(written, |count| count.lines))?;
        family("output_bytes", "Bytes that were written", Counter, output(written, |count| count.bytes))?;
        family(
            "log_dropped_lines",
            "Lines that clients which follow the log were too slow for",
            Counter,
            vec![(Vec::new(), Value::Counter(number(self.missed)))],
        )?;
        family(
            "start_duration_seconds",
            "From the start of the process until it was ready",
            Histogram,
            durations(starts),
        )?;
        family(
            "stop_duration_seconds",
            "From the stop signal until nothing was left of the process",
            Histogram,
            durations(stops),
        )
    }
}

fn sample(encoder: &mut MetricEncoder<'_>, value: &Value<'_>) -> fmt::Result {
    type NoLabels = Vec<(String, String)>;
    match value {
        Value::Counter(value) => encoder.encode_counter::<NoLabels, f64, f64>(value, None),
        Value::Gauge(value) => encoder.encode_gauge(value),
        Value::Histogram(durations) => {
            let bounds = BOUNDS.into_iter().chain([f64::MAX]);
            let buckets: Vec<(f64, u64)> = bounds.zip(durations.buckets).collect();
            let count = durations.buckets.iter().sum();
            encoder.encode_histogram::<NoLabels>(durations.sum, count, &buckets, None)
        }
    }
}

fn labels(status: &InstanceStatus) -> Vec<(&'static str, String)> {
    vec![("process", status.name.clone()), ("type", status.process_type.clone())]
}

fn whose(whose: &Whose) -> Vec<(&'static str, String)> {
    vec![("process", whose.process.clone()), ("type", whose.process_type.clone())]
}

fn phases(all: &[InstanceStatus]) -> Vec<Sample<'static>> {
    let of_one = |status: &InstanceStatus| {
        let (labels, phase) = (labels(status), status.phase);
        PhaseName::ALL.map(|each| {
            let mut labels = labels.clone();
            labels.push(("phase", each.word().to_owned()));
            (labels, yes(each == phase))
        })
    };
    all.iter().flat_map(of_one).collect()
}

fn output(written: &[(Whose, Stream, Count)], figure: fn(&Count) -> u64) -> Vec<Sample<'static>> {
    let of_one = |(of, stream, count): &(Whose, Stream, Count)| {
        let mut labels = whose(of);
        let stream = match stream {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
            Stream::System => "system",
        };
        labels.push(("stream", stream.to_owned()));
        (labels, Value::Counter(number(figure(count))))
    };
    written.iter().map(of_one).collect()
}

fn durations(all: &[(Whose, Durations)]) -> Vec<Sample<'_>> {
    all.iter().map(|(of, durations)| (whose(of), Value::Histogram(durations))).collect()
}

fn yes(is_so: bool) -> Value<'static> {
    Value::Gauge(f64::from(u8::from(is_so)))
}

#[expect(clippy::cast_precision_loss, reason = "beyond 2^53 the last digits say nothing")]
fn number(number: u64) -> f64 {
    number as f64
}
