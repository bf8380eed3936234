//! `grpc.testing.TestService`, as the interoperability suite wants it.
//!
//! Whether a request is compressed can be told by its headers alone; tonic does not show it by message. So a stream's
//! `expect_compressed` and the `compressed` of each streamed answer are not looked at.

use std::pin::Pin;
use std::time::Duration;

use futures_util::Stream;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Response, Status, Streaming};

use crate::testing::test_service_server::TestService;
use crate::testing::{
    BoolValue, EchoStatus, Empty, Payload, SimpleRequest, SimpleResponse, StreamingInputCallRequest,
    StreamingInputCallResponse, StreamingOutputCallRequest, StreamingOutputCallResponse,
};

/// The service.
pub(crate) struct Interop;

type Answers = Pin<Box<dyn Stream<Item = Result<StreamingOutputCallResponse, Status>> + Send>>;

#[tonic::async_trait]
impl TestService for Interop {
    async fn empty_call(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        Ok(Response::new(Empty {}))
    }

    async fn unary_call(&self, request: Request<SimpleRequest>) -> Result<Response<SimpleResponse>, Status> {
        expect_compressed(request.metadata(), request.get_ref().expect_compressed.as_ref())?;
        let request = request.into_inner();
        wanted(request.response_status)?;
        let payload = Some(payload(request.response_size)?);
        let mut response = Response::new(SimpleResponse { payload, ..SimpleResponse::default() });
        if !request.response_compressed.is_some_and(|compressed| compressed.value) {
            response.disable_compression();
        }
        Ok(response)
    }

    async fn cacheable_unary_call(
        &self,
        request: Request<SimpleRequest>,
    ) -> Result<Response<SimpleResponse>, Status> {
        self.unary_call(request).await
    }

    type StreamingOutputCallStream = Answers;

    async fn streaming_output_call(
        &self,
        request: Request<StreamingOutputCallRequest>,
    ) -> Result<Response<Answers>, Status> {
        let request = request.into_inner();
        Ok(Response::new(Box::pin(async_stream::try_stream! {
            for await answer in answers(request) {
                yield answer?;
            }
        })))
    }

    async fn streaming_input_call(
        &self,
        request: Request<Streaming<StreamingInputCallRequest>>,
    ) -> Result<Response<StreamingInputCallResponse>, Status> {
        let mut requests = request.into_inner();
        let mut size = 0;
        while let Some(request) = requests.message().await? {
            size += request.payload.map_or(0, |payload| payload.body.len() as i32);
        }
        Ok(Response::new(StreamingInputCallResponse { aggregated_payload_size: size }))
    }

    type FullDuplexCallStream = Answers;

    async fn full_duplex_call(
        &self,
        request: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<Answers>, Status> {
        let mut requests = request.into_inner();
        Ok(Response::new(Box::pin(async_stream::try_stream! {
            while let Some(request) = requests.message().await? {
                for await answer in answers(request) {
                    yield answer?;
                }
            }
        })))
    }

    type HalfDuplexCallStream = Answers;

    async fn half_duplex_call(
        &self,
        request: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<Answers>, Status> {
        let mut requests = request.into_inner();
        let mut all = Vec::new();
        while let Some(request) = requests.message().await? {
            all.push(request);
        }
        Ok(Response::new(Box::pin(async_stream::try_stream! {
            for request in all {
                for await answer in answers(request) {
                    yield answer?;
                }
            }
        })))
    }

    async fn unimplemented_call(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        Err(Status::unimplemented("this method is not implemented, on purpose"))
    }
}

/// What one request of a stream asks for.
fn answers(
    request: StreamingOutputCallRequest,
) -> impl Stream<Item = Result<StreamingOutputCallResponse, Status>> + Send {
    async_stream::try_stream! {
        wanted(request.response_status)?;
        for wished in request.response_parameters {
            let pause = u64::try_from(wished.interval_us).unwrap_or(0);
            if pause > 0 {
                tokio::time::sleep(Duration::from_micros(pause)).await;
            }
            yield StreamingOutputCallResponse { payload: Some(payload(wished.size)?) };
        }
    }
}

fn payload(size: i32) -> Result<Payload, Status> {
    let size =
        usize::try_from(size).map_err(|_| Status::invalid_argument("a payload has no negative size"))?;
    Ok(Payload { r#type: 0, body: vec![0; size] })
}

/// The error that was asked for, if one was.
fn wanted(status: Option<EchoStatus>) -> Result<(), Status> {
    match status {
        Some(EchoStatus { code, message }) if code != 0 => Err(Status::new(Code::from_i32(code), message)),
        _ => Ok(()),
    }
}

fn expect_compressed(metadata: &MetadataMap, expected: Option<&BoolValue>) -> Result<(), Status> {
    let compressed = metadata.get("grpc-encoding").is_some_and(|encoding| encoding == "gzip");
    match expected {
        Some(expected) if expected.value != compressed => {
            Err(Status::invalid_argument(format!("the request's compression is {compressed}")))
        }
        _ => Ok(()),
    }
}
