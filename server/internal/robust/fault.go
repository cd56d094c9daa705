package robust

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Fault is something that goes wrong and is put right again. A Fault can be injected
// any number of times, one after the other. It belongs to one goroutine.
type Fault struct {
	Name string
	// Available says why it cannot be injected here; nil when it can.
	Available func() error
	Inject    func(context.Context) error
	// Recover returns when the cluster is healthy again. What the sidecars make of it
	// is the campaign's affair.
	Recover func(context.Context) error
	// Bit says, after Recover, whether anything was disturbed: a leader was lost, or a
	// connection of the sidecar. A fault that did not bite proves nothing.
	Bit func() bool
	// Victim is the member that Inject has harmed; nil for a fault that does not choose
	// one that a sidecar uses.
	Victim func() int
}

// FreezeFor is how long FreezeLeader's leader stands still at least. It is longer than
// an election.
const FreezeFor = 3 * time.Second

var errUnused = errors.New("the sidecar is connected to no member")

func always() error { return nil }

// KillLeader ends the leader with SIGKILL, and starts it again when the others have
// elected another.
func KillLeader(c *Cluster) *Fault {
	return leaderFault("kill the leader", c, c.Kill, c.Start)
}

// StopLeader ends the leader with SIGTERM, as a rolling upgrade does. It hands over
// before it goes.
func StopLeader(c *Cluster) *Fault {
	return leaderFault("stop the leader", c, c.Stop, c.Start)
}

// FreezeLeader stops the leader with SIGSTOP for FreezeFor. It goes on in the belief
// that it leads.
func FreezeLeader(c *Cluster) *Fault {
	var thaw <-chan time.Time
	return leaderFault("freeze the leader", c, func(i int) error {
		thaw = time.After(FreezeFor)
		return c.Freeze(i)
	}, func(i int) error {
		<-thaw
		return c.Thaw(i)
	})
}

func leaderFault(name string, c *Cluster, harm, heal func(int) error) *Fault {
	var victim int
	var before, after uint64
	return &Fault{
		Name: name, Available: always,
		Inject: func(ctx context.Context) (err error) {
			after = 0
			if victim, before, err = c.WaitLeader(ctx, 0); err != nil {
				return err
			}
			return harm(victim)
		},
		Recover: func(ctx context.Context) (err error) {
			_, after, err = c.WaitLeader(ctx, before)
			return errors.Join(err, heal(victim), c.WaitHealthy(ctx))
		},
		Bit: func() bool { return after > before },
	}
}

// KillFollower ends a member that does not lead with SIGKILL, and starts it again.
func KillFollower(c *Cluster, rng *rand.Rand) *Fault {
	victim, gone := 0, false
	return &Fault{
		Name: "kill a follower", Available: always,
		Inject: func(ctx context.Context) error {
			gone = false
			leader, _, err := c.WaitLeader(ctx, 0)
			if err != nil {
				return err
			}
			victim = (leader + 1 + rng.IntN(c.Size()-1)) % c.Size()
			if err := c.Kill(victim); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(ctx, statusTimeout)
			defer cancel()
			_, err = c.ClientOf(victim).Status(ctx, c.Member(victim).ClientAddr)
			gone = err != nil
			return nil
		},
		Recover: func(ctx context.Context) error { return errors.Join(c.Start(victim), c.WaitHealthy(ctx)) },
		Bit:     func() bool { return gone },
	}
}

// KillUsed ends the member that the sidecar uses with SIGKILL, and starts it again.
func KillUsed(c *Cluster, l Links) *Fault {
	return usedFault("kill the member in use", l, false, c.Kill, func(ctx context.Context, i int) error {
		return errors.Join(c.Start(i), c.WaitHealthy(ctx))
	})
}

// FreezeUsed stops the member that the sidecar uses with SIGSTOP.
func FreezeUsed(c *Cluster, l Links) *Fault {
	return usedFault("freeze the member in use", l, true, c.Freeze, func(ctx context.Context, i int) error {
		return errors.Join(c.Thaw(i), c.WaitHealthy(ctx))
	})
}

// IsolateUsed parts the member that the sidecar uses from the other members. The
// sidecar still reaches it; it is in a minority.
func IsolateUsed(c *Cluster, l Links) *Fault {
	return usedFault("isolate the member in use", l, true, func(i int) error {
		c.Isolate(i)
		return nil
	}, func(ctx context.Context, i int) error {
		c.Rejoin(i)
		return c.WaitHealthy(ctx)
	})
}

// BlackHole lets nothing more through to the member that the sidecar uses, and keeps
// its connections.
func BlackHole(l Links) *Fault {
	return usedFault("black hole", l, true,
		func(i int) error { l[i].BlackHole(); return nil },
		func(_ context.Context, i int) error { return l[i].Heal() })
}

// Drop makes the kernel drop the packets to the member that the sidecar uses.
func Drop(l Links) *Fault {
	f := usedFault("drop packets", l, true,
		func(i int) error { return l[i].Drop() },
		func(_ context.Context, i int) error { return l[i].Heal() })
	f.Available = DropAvailable
	return f
}

// Part resets the connections to the member that the sidecar uses, and refuses others.
func Part(l Links) *Fault {
	return usedFault("part", l, false,
		func(i int) error { l[i].Part(); return nil },
		func(_ context.Context, i int) error { l[i].Join(); return nil })
}

// usedFault harms the way to the member that a sidecar uses. It bites when the sidecar
// gave up its connection, or made another, before Recover. open says that harm leaves the
// connection open.
func usedFault(name string, l Links, open bool, harm func(int) error, heal func(context.Context, int) error) *Fault {
	victim, before, bit := 0, 0, false
	return &Fault{
		Name: name, Available: always,
		Inject: func(ctx context.Context) error {
			bit = false
			for {
				if err := Poll(ctx, func() error {
					if victim = l.InUse(); victim < 0 {
						return errUnused
					}
					return nil
				}); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				before = l.Changed()
				if err := harm(victim); err != nil || !open || l.InUse() == victim {
					return err
				}
				// The sidecar has just moved away by itself.
				if err := heal(ctx, victim); err != nil {
					return err
				}
			}
		},
		Recover: func(ctx context.Context) error {
			bit = l.Changed() > before
			return heal(ctx, victim)
		},
		Bit:    func() bool { return bit },
		Victim: func() int { return victim },
	}
}

// Delay holds back each byte between the sidecar and all members for d.
func Delay(l Links, d time.Duration) *Fault {
	before, bit := 0, false
	held := func() (n int) {
		l.each(func(p *Proxy) { n += p.Held() })
		return n
	}
	return &Fault{
		Name: "delay", Available: always,
		Inject:  func(context.Context) error { before = held(); l.Delay(d); return nil },
		Recover: func(context.Context) error { bit = held() > before; l.Heal(); return nil },
		Bit:     func() bool { return bit },
	}
}
