package natsserver_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery/remote"
	"github.com/grove-go/grove/nursery/remote/nats"
)

// The environment of a node of a cluster.
const (
	clusterKey = "GROVE_DRILL_CLUSTER" // its port for the others
	routesKey  = "GROVE_DRILL_ROUTES"  // the URLs of all
)

// playNode runs a server of a cluster.
func playNode(ctx context.Context) error {
	url := os.Getenv(urlKey)
	s, err := server.NewServer(&server.Options{
		ServerName: os.Getenv(nameKey),
		Host:       "127.0.0.1",
		Port:       portOf(url),
		JetStream:  true,
		StoreDir:   os.Getenv(dirKey),
		NoSigs:     true,
		Cluster:    server.ClusterOpts{Name: "drill", Host: "127.0.0.1", Port: portOf(os.Getenv(clusterKey))},
		Routes:     server.RoutesFromStr(os.Getenv(routesKey)),
	})
	if err != nil {
		return err
	}
	s.Start()
	if !s.ReadyForConnections(time.Minute) {
		return errors.New("not ready")
	}
	fmt.Println("ready")
	<-cancel.UntilStop(ctx).Done()
	s.Shutdown()
	return nil
}

// TestDrillCluster kills the leader of the stream in a cluster of three.
func TestDrillCluster(t *testing.T) {
	var urls, clusters []string
	for range 3 {
		urls = append(urls, fmt.Sprint("nats://127.0.0.1:", freePort(t)))
		clusters = append(clusters, fmt.Sprint("nats://127.0.0.1:", freePort(t)))
	}
	d := newDrill(t, strings.Join(urls, ","))
	nodes := make(map[string]*exec.Cmd)
	for i := range 3 {
		name := fmt.Sprint("n", i)
		nodes[name] = d.start("node", name, urlKey+"="+urls[i], clusterKey+"="+clusters[i], routesKey+"="+strings.Join(clusters, ","), dirKey+"="+t.TempDir())
	}
	conn := connect(t, d.url)
	defer conn.Close()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	for { // until the cluster has a leader
		try, stop := context.WithTimeout(ctx, 2*time.Second) // the servers may not answer before that
		err := nats.Setup(try, conn, nats.Replicas(3))
		stop()
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	d.start("worker", "w1")
	d.start("worker", "w2")
	done, unknown, _ := d.calls(200, 50, func() {
		d.wait("begin", 40)
		js, err := jetstream.New(conn)
		if err != nil {
			t.Error(err)
			return
		}
		s, err := js.Stream(ctx, "GROVE_grove")
		if err != nil {
			t.Error(err)
			return
		}
		d.signal(nodes[s.CachedInfo().Cluster.Leader], syscall.SIGKILL)
	}, remote.Retry(5))
	t.Logf("%d done, %d unknown", done, unknown)
	if done != 200 {
		t.Errorf("R18: %d done, want 200", done)
	}
	d.attempts()
}

// TestPermissions runs a caller and a worker with no more permissions than docs/remote.md
// gives them.
func TestPermissions(t *testing.T) {
	user := func(name string, publish, subscribe []string) *server.User {
		return &server.User{Username: name, Password: "x", Permissions: &server.Permissions{
			Publish:   &server.SubjectPermission{Allow: publish},
			Subscribe: &server.SubjectPermission{Allow: subscribe},
			Response:  &server.ResponsePermission{MaxMsgs: 1, Expires: time.Minute},
		}}
	}
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
		Users: []*server.User{
			user("caller", []string{"grove.q.>", "grove.w.*", "$JS.API.STREAM.INFO.GROVE_grove", "$JS.API.STREAM.MSG.GET.GROVE_grove"}, []string{"grove.c.*", "grove.b.*", "_INBOX.>"}),
			user("worker", []string{"grove.c.*", "grove.b.*", "$JS.API.CONSUMER.>", "$JS.ACK.GROVE_grove.>"}, []string{"grove.w.*", "_INBOX.>"}),
			user("setup", []string{"$JS.API.STREAM.>"}, []string{"_INBOX.>"}),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	defer s.WaitForShutdown()
	defer s.Shutdown()
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the server is not ready")
	}
	as := func(name string) *natsgo.Conn {
		conn, err := nats.Connect(s.ClientURL(), natsgo.UserInfo(name, "x"), natsgo.ErrorHandler(func(_ *natsgo.Conn, _ *natsgo.Subscription, err error) {
			t.Errorf("%s: %v", name, err)
		}))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(conn.Close)
		return conn
	}
	if err := nats.Setup(t.Context(), as("setup")); err != nil {
		t.Fatal(err)
	}
	together(t, as("caller"), as("worker"))
}
