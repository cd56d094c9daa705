package robust

import "time"

// Links are the proxies between one sidecar and the members of a cluster, one for
// each.
type Links []*Proxy

// NewLinks returns running proxies to the members of a cluster.
func NewLinks(c *Cluster) (Links, error) {
	var l Links
	for _, addr := range c.Endpoints() {
		p, err := NewProxy(addr)
		if err != nil {
			l.Close()
			return nil, err
		}
		l = append(l, p)
	}
	return l, nil
}

// Endpoints are the addresses that a sidecar uses, in the order of the members.
func (l Links) Endpoints() []string {
	var all []string
	for _, p := range l {
		all = append(all, p.Addr())
	}
	return all
}

// InUse returns the member that the sidecar has connected to last; -1 for none. A
// sidecar uses one at a time.
func (l Links) InUse() int {
	used, newest := -1, time.Time{}
	for i, p := range l {
		if since := p.newest(); since.After(newest) {
			used, newest = i, since
		}
	}
	return used
}

// Changed counts connections that have come or gone, over all members.
func (l Links) Changed() int {
	n := 0
	for _, p := range l {
		n += p.Changed()
	}
	return n
}

// Part resets the connections to all members and refuses new ones, until Join.
func (l Links) Part() { l.each((*Proxy).Part) }

// Join ends Part.
func (l Links) Join() { l.each((*Proxy).Join) }

// BlackHole keeps all connections and forwards nothing, until Heal.
func (l Links) BlackHole() { l.each((*Proxy).BlackHole) }

// Delay holds each byte back, until Heal.
func (l Links) Delay(d time.Duration) { l.each(func(p *Proxy) { p.Delay(d) }) }

// Heal ends BlackHole and Delay.
func (l Links) Heal() { l.each(func(p *Proxy) { _ = p.Heal() }) } // only Drop can fail to

// Close ends the proxies.
func (l Links) Close() { l.each((*Proxy).Close) }

func (l Links) each(do func(*Proxy)) {
	for _, p := range l {
		do(p)
	}
}
