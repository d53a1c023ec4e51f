//! The obvious first version: reqwest in a loop, with governor's default quota as the cap. No
//! ledger, no retries. `side_by_side.py` compares recall with it.
//!
//! `naive URL BODY CALLS CONCURRENCY RATE`, with rate 0 for no cap.

use std::num::NonZeroU32;

use futures_util::stream::{self, StreamExt as _};
use governor::{Quota, RateLimiter};
use reqwest::header::CONTENT_TYPE;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, body, calls, concurrency, rate] = args.as_slice() else {
        panic!("naive URL BODY CALLS CONCURRENCY RATE");
    };
    let number = |text: &String| text.parse::<u32>().expect("a number");
    let limiter =
        NonZeroU32::new(number(rate)).map(|rate| RateLimiter::direct(Quota::per_second(rate)));
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]);
    let client = client.build().expect("a client");
    let call = async |_| {
        if let Some(limiter) = &limiter {
            limiter.until_ready().await;
        }
        let call = client.post(url).header(CONTENT_TYPE, "application/json");
        let answer = call.body(body.clone()).send().await;
        let answer = answer.expect("an answer").bytes().await.expect("a body");
        let answer: serde_json::Value = serde_json::from_slice(&answer).expect("JSON");
        assert_eq!(answer["ErrorCode"], 0);
    };
    let calls = stream::iter(0..number(calls))
        .map(call)
        .buffer_unordered(number(concurrency) as usize)
        .collect::<()>();
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("an event loop")
        .block_on(calls);
}
