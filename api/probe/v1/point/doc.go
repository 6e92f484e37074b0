// Package point holds the function that the sensor's probe is attached to,
// and finds the place of it in the running executable's file.
//
// The function is a leaf in assembly: it loads what is to be counted into registers,
// executes two nops that a kernel can replace, and returns. The proxy calls it
// for the requests that it has finished; the sensor calls its own copy to find out what a
// call costs on this kernel. On architectures without the assembly the
// function does nothing and has no place.
package point
