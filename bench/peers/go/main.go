/*
Go's side of the benchmarks of channels, select, mutexes, conditions, jobs, sleepers and timers.

	weft-bench-go N "TEST PROCS SIZE"

makes a tenth of N operations of a test, then all of them, and prints how many it made, the
nanoseconds that they took, those of the processors, and those of one operation. The tests are
those of bench/chan.c, bench/sync.c, bench/pool.c and bench/time.c.
*/
package main

import (
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
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
	"empty": {empty, count},
}

// Tests with a way of their own to measure: they say what an operation took. Their size is how
// many submit, or sleep.
var measured = map[string]func(size int) (ops uint64, value float64){
	"submit":       submit,
	"sleepers":     func(size int) (uint64, float64) { return sleepers(size, false) },
	"sleepers-cpu": func(size int) (uint64, float64) { return sleepers(size, true) },
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

// --- jobs -------------------------------------------------------------------------------

// A goroutine a job, as Go's programs do.
func empty(_ int, n uint64, begin func()) uint64 {
	var sum uint64
	var ended sync.WaitGroup
	begin()
	ended.Add(int(n))
	for i := uint64(0); i < n; i++ {
		go func() {
			atomic.AddUint64(&sum, 1)
			ended.Done()
		}()
	}
	ended.Wait()
	return sum
}

const burst, bursts, pause = 1000, 100, 100 * time.Microsecond

// The median of the bursts, each from the first submitter's begin to the last one's end.
func submit(size int) (uint64, float64) {
	took := make([]float64, bursts)
	for i := range took {
		for until := time.Now().Add(pause); time.Now().Before(until); {
		}
		took[i] = oneBurst(size) / float64(burst*size)
	}
	sort.Float64s(took)
	return bursts, took[bursts/2]
}

func oneBurst(size int) float64 {
	var sum uint64
	var ran sync.WaitGroup
	ran.Add(burst * size)
	from := time.Now()
	ends := make([]time.Duration, size)
	one := func(which int) {
		for i := 0; i < burst; i++ {
			go func() {
				atomic.AddUint64(&sum, 1)
				ran.Done()
			}()
		}
		ends[which] = time.Since(from)
	}
	if size == 1 {
		one(0)
	} else {
		crew(size, func() { from = time.Now() }, one)
	}
	ran.Wait()
	sort.Slice(ends, func(a, b int) bool { return ends[a] < ends[b] })
	return float64(ends[size-1])
}

// --- sleepers ----------------------------------------------------------------------------

// What is measured is told in bench/time.c.
func sleepers(size int, wantCPU bool) (uint64, float64) {
	const asleepNs, apart = 2000, 1000
	var arrived, ended sync.WaitGroup
	var lastAsleep, lastAwake int64
	gate := make(chan bool)
	begin := time.Now()
	cpu := cpuTime()
	var first time.Time
	arrived.Add(size)
	ended.Add(size)
	for i := 0; i < size; i++ {
		go func(which int) {
			arrived.Done()
			<-gate
			until := first.Add(time.Duration(which) * apart)
			greatest(&lastAsleep, int64(time.Since(begin)))
			time.Sleep(time.Until(until))
			greatest(&lastAwake, int64(time.Since(begin)))
			ended.Done()
		}(i)
	}
	arrived.Wait()
	first = time.Now().Add(time.Duration(size) * asleepNs)
	close(gate)
	ended.Wait()
	if lastAsleep >= int64(first.Sub(begin)) {
		fmt.Fprintln(os.Stderr, "weft-bench-go: they were not all asleep at once")
		os.Exit(1)
	}
	if wantCPU {
		return uint64(size), float64(cpuTime()-cpu) / float64(size)
	}
	until := int64(first.Sub(begin)) + int64(size-1)*apart
	return uint64(size), float64(lastAsleep+lastAwake-until) / float64(size)
}

func greatest(to *int64, x int64) {
	for {
		old := atomic.LoadInt64(to)
		if x <= old || atomic.CompareAndSwapInt64(to, old, x) {
			return
		}
	}
}

// --- main ---------------------------------------------------------------------------------

func cpuTime() int64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}

func fail(what ...interface{}) {
	fmt.Fprintln(os.Stderr, append([]interface{}{"weft-bench-go:"}, what...)...)
	os.Exit(1)
}

func carryOut(name string, size int, n uint64) {
	t, known := tests[name]
	if !known {
		fail("no such test:", name)
	}
	var begun time.Time
	var cpu int64
	run := func(n uint64) {
		sum := t.run(size, n, func() { begun, cpu = time.Now(), cpuTime() })
		if sum != t.want(n) {
			fail("wrong sum", sum, "of", name)
		}
	}
	run(n/10 + 1)
	run(n)
	took := time.Since(begun).Nanoseconds()
	fmt.Println(n, took, cpuTime()-cpu, float64(took)/float64(n))
}

// build is what built this; the linker fills it in.
var build string

func main() {
	var name string
	var procs, size int
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println("Go " + runtime.Version()[2:])
		fmt.Println(build)
		return
	}
	if len(os.Args) != 3 {
		fail("asked by weft bench: N \"TEST PROCS SIZE\", or --version")
	}
	n, err := strconv.ParseUint(os.Args[1], 10, 64)
	if err != nil {
		fail(err)
	}
	if _, err = fmt.Sscan(os.Args[2], &name, &procs, &size); err != nil {
		fail(err)
	}
	runtime.GOMAXPROCS(procs)
	if f, known := measured[name]; known {
		ops, value := f(size)
		fmt.Println(ops, value*float64(ops), 0, value)
		return
	}
	carryOut(name, size, n)
}
