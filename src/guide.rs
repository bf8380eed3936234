//! The guide: a first hour, then a page for each part, then the reference.
//!
//! The same pages are in the folder `docs` of the package.
//!
//! - [Getting started](getting_started)
//!
//! ## Guide
//!
//! - [Concepts](concepts)
//! - [Services](services)
//! - [Resources](resources)
//! - [Shutdown](shutdown)
//! - [Supervision](supervision)
//! - [Reloading settings](reloading)
//! - [The gRPC server](grpc)
//! - [HTTP services](http)
//! - [actix-web](actix_web)
//! - [OpenTelemetry](opentelemetry)
//! - [Recipes](recipes)
//! - [Rich errors](errors)
//! - [Testing](testing)
//! - [Rehearsing failures](rehearsal)
//! - [Deploying](deploying)
//! - [Upgrades](upgrades)
//! - [Replicas](replicas)
//! - [Operations](operations)
//! - [Metrics](metrics)
//! - [Coming from gRPEAKEC-go](coming_from_go)
//!
//! ## Reference
//!
//! - [What Majordomo promises](guarantees)
//! - [Performance](performance)
//! - [Crates in the public interface](public_dependencies)
//!
//! ## For contributors
//!
//! - [How Majordomo is built](architecture)

macro_rules! pages {
    ($($(#[$when:meta])* $page:ident = $file:literal;)*) => {
        $($(#[$when])* #[doc = include_str!(concat!(env!("OUT_DIR"), "/guide/", $file))] pub mod $page {})*
    };
}

pages! {
    // Its blocks are compiled by `tests/recipes`, since they use axum, and run by `.ci/getting_started`.
    #[cfg(not(doctest))]
    getting_started = "getting-started.md";
    concepts = "concepts.md";
    services = "services.md";
    resources = "resources.md";
    shutdown = "shutdown.md";
    supervision = "supervision.md";
    leases = "leases.md";
    reloading = "reloading.md";
    #[cfg(any(feature = "tls", not(doctest)))]
    grpc = "grpc.md";
    http = "http.md";
    // Its blocks are compiled by `crates/actix-web`, which they use.
    #[cfg(not(doctest))]
    actix_web = "actix-web.md";
    // Its blocks are compiled by `crates/otel`, which they use.
    #[cfg(not(doctest))]
    opentelemetry = "opentelemetry.md";
    // Its blocks are files of `tests/recipes`.
    #[cfg(not(doctest))]
    recipes = "recipes.md";
    errors = "errors.md";
    #[cfg(any(feature = "testing", not(doctest)))]
    testing = "testing.md";
    rehearsal = "rehearsal.md";
    deploying = "deploying.md";
    upgrades = "upgrades.md";
    #[cfg(any(feature = "testing", not(doctest)))]
    replicas = "replicas.md";
    operations = "operations.md";
    #[cfg(any(feature = "prometheus", not(doctest)))]
    metrics = "metrics.md";
    coming_from_go = "coming-from-go.md";
    guarantees = "guarantees.md";
    performance = "performance.md";
    public_dependencies = "public-dependencies.md";
    architecture = "architecture.md";
}
