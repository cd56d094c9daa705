// Package isolation holds no code: its tests hold the product to the promise that each
// service sees its own configuration and nothing else. They put a mark of its own, a
// canary, into the values and key names of every service, call every method of every
// service of the contract with everybody's credentials and with names and headers that
// try to reach the neighbour, and look for the neighbour's canary in every byte that
// comes back or is written down.
package isolation
