// SPDX-License-Identifier: MIT

// A program for Go's run-time: goroutines and channels, its poller under an
// http server and clients, timers, signals, children, collection of garbage,
// preemption by signals. What is printed does not depend on scheduling.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func pipeline() {
	in, out := make(chan int), make(chan int)
	var group sync.WaitGroup
	for i := 0; i < 1000; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for n := range in {
				out <- n * n
			}
		}()
	}
	go func() {
		for i := 0; i < 20000; i++ {
			in <- i
		}
		close(in)
		group.Wait()
		close(out)
	}()
	sum := 0
	for n := range out {
		sum += n
	}
	fmt.Println("squares", sum)
}

func web() {
	var served atomic.Int64
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %d", r.Method, r.URL.Path, len(body))
	})}
	go server.Serve(listener)
	url := "http://" + listener.Addr().String()
	client := &http.Client{Timeout: 60 * time.Second}
	var wrong atomic.Int64
	var group sync.WaitGroup
	for c := 0; c < 20; c++ {
		group.Add(1)
		go func(c int) {
			defer group.Done()
			for i := 0; i < 50; i++ {
				path := fmt.Sprintf("/%d/%d", c, i)
				answer, err := client.Post(url+path, "text/plain", strings.NewReader(strings.Repeat("x", i*100)))
				if err != nil {
					fmt.Println(err)
					wrong.Add(1)
					continue
				}
				text, _ := io.ReadAll(answer.Body)
				answer.Body.Close()
				if string(text) != fmt.Sprintf("POST %s %d", path, i*100) {
					wrong.Add(1)
				}
			}
		}(c)
	}
	group.Wait()
	server.Close()
	_, err = client.Get(url)
	fmt.Println("web", served.Load(), wrong.Load(), err != nil)
}

func unix() {
	listener, err := net.Listen("unix", "sock")
	if err != nil {
		panic(err)
	}
	go func() {
		c, _ := listener.Accept()
		io.Copy(c, c)
		c.Close()
	}()
	c, _ := net.Dial("unix", "sock")
	go func() {
		c.Write([]byte(strings.Repeat("0123456789", 100000)))
		c.(*net.UnixConn).CloseWrite()
	}()
	back, err := io.ReadAll(c)
	fmt.Println("unix", len(back), err)
	late, _ := net.Pipe()
	late.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err = late.Read(make([]byte, 1))
	fmt.Println(os.IsTimeout(err))
}

func preempted() {
	runtime.GOMAXPROCS(2)
	var stop atomic.Bool
	for i := 0; i < 4; i++ {
		go func() {
			for n := 0; ; n++ { // without a call: only a signal stops it
				if n < 0 {
					stop.Store(true)
				}
			}
		}()
	}
	ticks := 0
	for range time.NewTicker(time.Millisecond).C {
		if ticks++; ticks == 20 {
			break
		}
	}
	fmt.Println("ticks", ticks, stop.Load())
	trees := [][]byte{}
	for i := 0; i < 20000; i++ {
		trees = append(trees, make([]byte, 4096))
		if len(trees) > 1000 {
			trees = trees[500:]
		}
	}
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	fmt.Println("collected", stats.NumGC > 0)
}

func system() {
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGUSR1)
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	fmt.Println(<-caught)
	var group sync.WaitGroup
	var bytes atomic.Int64
	for i := 0; i < 16; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			out, err := exec.Command("sh", "-c", "seq 1 1000; exit 0").Output()
			if err != nil {
				fmt.Println(err)
			}
			bytes.Add(int64(len(out)))
		}()
	}
	group.Wait()
	fmt.Println("children", bytes.Load())
	err := exec.Command("sh", "-c", "kill -9 $$").Run()
	fmt.Println(err)
	func() {
		defer func() { fmt.Println("recovered", recover()) }()
		var p *int
		fmt.Println(*p)
	}()
}

func main() {
	pipeline()
	web()
	unix()
	system()
	preempted()
	os.Exit(5)
}
