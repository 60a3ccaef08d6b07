package main

import (
	"fmt"
	"log/slog"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// The states that a service manager is told of (sd_notify(3)).
const (
	notifyReady    = "READY=1"
	notifyStopping = "STOPPING=1"
)

// notify tells the service manager that started this process of a state, if there is one that wants to know: systemd
// does for units of Type=notify, and gives the name of a socket in NOTIFY_SOCKET; "@" begins one without a file.
func notify(state string) error {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("notify the service manager: %w", err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(state)); err != nil {
		return fmt.Errorf("notify the service manager: %w", err)
	}
	return nil
}

// tell notifies the service manager. A broker that cannot goes on.
func tell(log *slog.Logger, state string) {
	if err := notify(state); err != nil {
		log.Warn("service manager not told", "cause", err.Error())
	}
}

// notifyReloading is the state of a process that reads its configuration anew, with the instant that
// Type=notify-reload wants; READY=1 ends it.
func notifyReloading() string {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return "RELOADING=1"
	}
	return fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", now.Nano()/1000)
}
