// A registry with the referrers API on a free loopback port: go-containerregistry's, whose own command leaves that API off.
// Prints the address and serves until standard input ends.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	quiet := registry.Logger(log.New(io.Discard, "", 0))
	go func() { log.Fatal(http.Serve(listener, registry.New(quiet, registry.WithReferrersSupport(true)))) }()
	_, _ = io.Copy(io.Discard, os.Stdin)
}
