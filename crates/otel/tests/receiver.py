"""A collector that writes down what it is sent: OTLP by protobuf over HTTP, and by gRPC.

Its first line of stdout names the ports; then comes a line of JSON for each span and each metric, before the sender has its answer.
It ends with its stdin.
"""

import json
import sys
import threading
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

printing = threading.Lock()


def tell(line):
    with printing:
        print(json.dumps(line), flush=True)


def value(of):
    return getattr(of, of.WhichOneof("value"))


def attributes(of):
    names = [attribute.key for attribute in of]
    assert len(names) == len(set(names)), f"each attribute once: {names}"
    return {attribute.key: value(attribute.value) for attribute in of}


def spans(request, via):
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                tell({
                    "span": span.name,
                    "via": via,
                    "resource": attributes(resource.resource.attributes),
                    "schema": scope.schema_url,
                    "trace": span.trace_id.hex(),
                    "id": span.span_id.hex(),
                    "parent": span.parent_span_id.hex(),
                    "kind": span.kind,
                    "attributes": attributes(span.attributes),
                    "status": span.status.code,
                    "message": span.status.message,
                })


def metrics(request, via):
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                points = metric.histogram.data_points
                tell({
                    "metric": metric.name,
                    "via": via,
                    "resource": attributes(resource.resource.attributes),
                    "unit": metric.unit,
                    "points": [
                        {"attributes": attributes(at.attributes), "count": at.count, "bounds": list(at.explicit_bounds)}
                        for at in points
                    ],
                })


class OverHttp(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.headers["Content-Type"] == "application/x-protobuf"
        if self.path == "/v1/traces":
            spans(trace_service_pb2.ExportTraceServiceRequest.FromString(body), "http")
        elif self.path == "/v1/metrics":
            metrics(metrics_service_pb2.ExportMetricsServiceRequest.FromString(body), "http")
        else:
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Traces(trace_service_pb2_grpc.TraceServiceServicer):
    def Export(self, request, context):
        spans(request, "grpc")
        return trace_service_pb2.ExportTraceServiceResponse()


class Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):
    def Export(self, request, context):
        metrics(request, "grpc")
        return metrics_service_pb2.ExportMetricsServiceResponse()


def main():
    http = ThreadingHTTPServer(("127.0.0.1", 0), OverHttp)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    server = grpc.server(futures.ThreadPoolExecutor(4))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Traces(), server)
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(Metrics(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    tell({"http": http.server_address[1], "grpc": port})
    sys.stdin.read()


main()
