/*
Go's side of the benchmarks of channels, select, mutexes, conditions and timers.

	weft-bench-go TEST PROCS SIZE N

makes N operations of a test and prints how many it made and how many nanoseconds they took.
The tests are those of bench/chan.c, bench/sync.c and bench/time.c.
*/
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

const step = 7

// A test makes n operations after it has called begin; size is how many channels or goroutines.
type test func(size int, n uint64, begin func()) (sum uint64)

// Numbers below n were received, or so many were counted.
var tests = map[string]struct {
	run  test
	want func(n uint64) uint64
}{
	"trip":  {trip, series},
	"way":   {way, series},
	"alone": {alone, series},
	"ready": {ready, series},
	"waits": {waits, series},
	"mutex": {mutex, count},
	"cond":  {cond, count},
	"timer": {timer, count},
}

func series(n uint64) uint64 { return n * (n - 1) / 2 }
func count(n uint64) uint64  { return n }

func trip(_ int, n uint64, begin func()) (sum uint64) {
	there, back := make(chan uint64), make(chan uint64)
	go func() {
		for i := uint64(0); i < n; i++ {
			back <- <-there
		}
	}()
	begin()
	for i := uint64(0); i < n; i++ {
		there <- i
		sum += <-back
	}
	return
}

func way(size int, n uint64, begin func()) (sum uint64) {
	c := make(chan uint64, size)
	begin()
	go func() {
		for i := uint64(0); i < n; i++ {
			c <- i
		}
	}()
	for i := uint64(0); i < n; i++ {
		sum += <-c
	}
	return
}

func alone(_ int, n uint64, begin func()) (sum uint64) {
	c := make(chan uint64, 1)
	begin()
	for i := uint64(0); i < n; i++ {
		c <- i
		sum += <-c
	}
	return
}

func channels(size, capacity int) (c [100]chan uint64) {
	for i := 0; i < size; i++ {
		c[i] = make(chan uint64, capacity)
	}
	return
}

func selector(size int) func(*[100]chan uint64) uint64 {
	if size == 2 {
		return select2
	}
	return select100
}

func select2(c *[100]chan uint64) (x uint64) {
	select {
	case x = <-c[0]:
	case x = <-c[1]:
	}
	return
}

func ready(size int, n uint64, begin func()) (sum uint64) {
	c := channels(size, 1)
	sel := selector(size)
	begin()
	for i := uint64(0); i < n; i++ {
		c[i*step%uint64(size)] <- i
		sum += sel(&c)
	}
	return
}

func waits(size int, n uint64, begin func()) (sum uint64) {
	c := channels(size, 0)
	sel := selector(size)
	begin()
	go func() {
		for i := uint64(0); i < n; i++ {
			c[i*step%uint64(size)] <- i
		}
	}()
	for i := uint64(0); i < n; i++ {
		sum += sel(&c)
	}
	return
}

// Run f in size goroutines that begin together.
func crew(size int, begin func(), f func(which int)) {
	var ended, arrived sync.WaitGroup
	gate := make(chan bool)
	for i := 0; i < size; i++ {
		ended.Add(1)
		arrived.Add(1)
		go func(which int) {
			arrived.Done()
			<-gate
			f(which)
			ended.Done()
		}(i)
	}
	arrived.Wait()
	begin()
	close(gate)
	ended.Wait()
}

func mutex(size int, n uint64, begin func()) (sum uint64) {
	var m sync.Mutex
	crew(size, begin, func(which int) {
		for i := share(n, size, which); i > 0; i-- {
			m.Lock()
			sum++
			m.Unlock()
		}
	})
	return
}

// The part of n that one of size makes.
func share(n uint64, size, which int) uint64 {
	part := n / uint64(size)
	if uint64(which) < n%uint64(size) {
		part++
	}
	return part
}

func cond(size int, n uint64, begin func()) (sum uint64) {
	var m sync.Mutex
	changed := [2]*sync.Cond{sync.NewCond(&m), sync.NewCond(&m)}
	turn := 0
	crew(2, begin, func(which int) {
		for i := share(n, 2, which); i > 0; i-- {
			m.Lock()
			for turn != which {
				changed[which].Wait()
			}
			turn = 1 - which
			sum++
			m.Unlock()
			changed[1-which].Signal()
		}
	})
	return
}

func timer(size int, n uint64, begin func()) (sum uint64) {
	for i := 0; i < size; i++ {
		time.AfterFunc(time.Hour+time.Duration(i)*time.Second, func() {})
	}
	t := time.AfterFunc(time.Hour, func() {})
	t.Stop()
	begin()
	for i := uint64(0); i < n; i++ {
		t.Reset(30*time.Minute + time.Duration(i%1024)*time.Second)
		if t.Stop() {
			sum++
		}
	}
	return
}

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: weft-bench-go TEST PROCS SIZE N")
		os.Exit(2)
	}
	t, known := tests[os.Args[1]]
	procs, err1 := strconv.Atoi(os.Args[2])
	size, err2 := strconv.Atoi(os.Args[3])
	n, err3 := strconv.ParseUint(os.Args[4], 10, 64)
	if !known || err1 != nil || err2 != nil || err3 != nil {
		fmt.Fprintln(os.Stderr, "weft-bench-go: no such test:", os.Args[1:])
		os.Exit(2)
	}
	runtime.GOMAXPROCS(procs)
	var begun time.Time
	sum := t.run(size, n, func() { begun = time.Now() })
	took := time.Since(begun)
	if sum != t.want(n) {
		fmt.Fprintln(os.Stderr, "weft-bench-go: wrong sum", sum, "of", os.Args[1:])
		os.Exit(1)
	}
	fmt.Println(n, took.Nanoseconds())
}
