// The gRPC benchmarks' service by grpc-go.
//
// Its messages are those of bench.proto, read as google.protobuf.BytesValue: field 1 is the same in both, and what
// Work has besides is among the fields that are not recognized. Debian's grpc-go encodes
// the types of that older package.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"time"

	"github.com/golang/protobuf/proto"
	wrapperspb "github.com/golang/protobuf/ptypes/wrappers"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
)

func echo(_ interface{}, _ context.Context, decode func(interface{}) error, _ grpc.UnaryServerInterceptor) (interface{}, error) {
	message := new(wrapperspb.BytesValue)
	if err := decode(message); err != nil {
		return nil, err
	}
	return &wrapperspb.BytesValue{Value: message.Value}, nil
}

func burn(_ interface{}, _ context.Context, decode func(interface{}) error, _ grpc.UnaryServerInterceptor) (interface{}, error) {
	message := new(wrapperspb.BytesValue)
	if err := decode(message); err != nil {
		return nil, err
	}
	spend(micros(message))
	return &wrapperspb.BytesValue{Value: message.Value}, nil
}

// micros is field 2 of Work.
func micros(message *wrapperspb.BytesValue) time.Duration {
	unknown := message.XXX_unrecognized
	tag, length := proto.DecodeVarint(unknown)
	if tag != 2<<3 {
		return 0
	}
	value, _ := proto.DecodeVarint(unknown[length:])
	return time.Duration(value) * time.Microsecond
}

// spend computes for so much CPU time of this thread.
func spend(duration time.Duration) {
	if duration == 0 {
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	until := threadTime() + duration
	for threadTime() < until {
		for spin := 0; spin < 100; spin++ {
			_ = spin
		}
	}
}

func threadTime() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &now); err != nil {
		panic(err)
	}
	return time.Duration(now.Nano())
}

func echoStream(_ interface{}, stream grpc.ServerStream) error {
	for {
		message := new(wrapperspb.BytesValue)
		if err := stream.RecvMsg(message); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := stream.SendMsg(message); err != nil {
			return err
		}
	}
}

func main() {
	go func() {
		// The one that started this is gone, or wants it to be.
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	server := grpc.NewServer()
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "majordomo.bench.Bench",
		Methods:     []grpc.MethodDesc{{MethodName: "Echo", Handler: echo}, {MethodName: "Burn", Handler: burn}},
		Streams: []grpc.StreamDesc{
			{StreamName: "EchoStream", Handler: echoStream, ServerStreams: true, ClientStreams: true},
		},
	}, nil)
	fmt.Println(listener.Addr())
	if err := server.Serve(listener); err != nil {
		panic(err)
	}
}
