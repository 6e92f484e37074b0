// Package point holds the function that the sensor's probe is attached to,
// and finds the place of it in the running executable's file.
//
// The function is a leaf in assembly: it loads its arguments into registers,
// executes two nops that a kernel can replace, and returns. The proxy calls it
// for each finished request; the sensor calls its own copy to find out what a
// call costs on this kernel. On architectures without the assembly the
// function does nothing and has no place.
package point
