package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
)

// the server listens at 127.0.0.1 only, and localhost may also be ::1
func ExampleDialer() {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()

	dialer := &Dialer{Lookup: net.DefaultResolver.LookupNetIP, Dial: new(net.Dialer).DialContext}
	client := &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}}
	defer client.CloseIdleConnections()

	response, err := client.Get(strings.Replace(server.URL, "127.0.0.1", "localhost", 1))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	fmt.Println(response.Status)
	// Output: 404 Not Found
}
