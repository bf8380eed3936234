//! Rich errors tell the trace of their call (W3C Trace Context).

use majordomo::api_errors::{ApiError, ErrorGenerator, PassOn};
use support::{Registers, connect, observe, serving, within};
use tonic::service::interceptor::InterceptedService;
use tonic::{Request, Status};

use crate::failing::{Case, Failing, KINDS, When, call};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

#[actix::test]
async fn a_rich_error_tells_the_trace_of_its_call_whatever_it_was_made_of() {
    for case in [Case::Rich, Case::Sentinel, Case::Plain, Case::PanicRich, Case::PanicText] {
        for when in [When::AtOnce, When::InMidStream] {
            let errors = ErrorGenerator::new("server");
            let failing = Failing { errors: errors.clone(), case, when };
            let register = move |server: &majordomo::GrpcRegistrar| server.add_service(failing.clone());
            let mut observed = observe(serving().error_generator(errors), |manager| {
                manager.grpc_service(Registers::new("failing", register))
            });
            let channel = connect(&observed).await;
            for (header, expected) in [
                (Some(format!("00-{TRACE}-b7ad6b7169203331-01")), Some(TRACE)),
                (Some(format!("00-{TRACE}-0000000000000000-01")), None),
                (None, None),
            ] {
                let traced = InterceptedService::new(channel.clone(), move |mut call: Request<()>| {
                    if let Some(header) = &header {
                        call.metadata_mut().insert("traceparent", header.parse().unwrap());
                    }
                    Ok::<_, Status>(call)
                });
                for kind in KINDS {
                    let (_, ended) = within("the answer", call(traced.clone(), kind)).await;
                    let error = ApiError::from_status(&ended.unwrap_err()).unwrap();
                    assert_eq!(error.trace_id(), expected, "{case:?} {when:?} {kind:?}");
                    assert_eq!(error.trace().len(), 1, "{case:?} {when:?} {kind:?}");
                }
            }
            drop(channel);
            observed.shut_down();
            observed.ended().await.assert_ok();
        }
    }
}

#[actix::test]
async fn what_is_passed_on_keeps_the_trace_of_where_it_was_made_unless_that_is_withheld() {
    let mut made = ErrorGenerator::new("inner").error(&majordomo::api_errors::ERR_NOT_FOUND).wire().clone();
    made.trace_id = "1".repeat(32);
    let status = || {
        let detail = prost_types::Any {
            type_url: "type.googleapis.com/pkerr.Error".to_owned(),
            value: prost::Message::encode_to_vec(&made),
        };
        // The fields of a `google.rpc.Status`, of which only the details are read.
        let mut details = vec![0x1a];
        let detail = prost::Message::encode_to_vec(&detail);
        prost::encoding::encode_varint(detail.len() as u64, &mut details);
        details.extend(detail);
        Status::with_details(tonic::Code::NotFound, "passed on", details.into())
    };
    for (what, kept) in [(PassOn::Everything, true), (PassOn::Allowed, true), (PassOn::Identity, false)] {
        let passed = ErrorGenerator::new("edge").pass_on(what).status(status());
        let told = ApiError::from_status(&passed).unwrap();
        assert_eq!(told.trace_id().is_some(), kept, "{what:?}");
    }
}
