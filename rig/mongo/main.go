// A MongoDB wire for tests and rehearsals: FerretDB on SQLite files. It prints its address on 127.0.0.1 once it listens,
// and ends with its standard input, taking its data along: however its parent ends, nothing stays behind.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	// A terminal sends Ctrl-C to all; the parent decides in which order things end.
	signal.Ignore(os.Interrupt)
	if err := serve(); err != nil {
		log.Fatal(err)
	}
}

func serve() error {
	// Files, since in memory an update waits for itself.
	folder, err := os.MkdirTemp("", "sandtable-mongo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: "127.0.0.1:0"},
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Handler:   "sqlite",
		SQLiteURL: "file:" + folder + "/",
	})
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	// Known only once it listens, which Run begins.
	go func() { fmt.Println(server.MongoDBURI()) }()
	return server.Run(running)
}
