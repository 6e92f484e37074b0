// Package page reads pages of the documentation for what they have their reader do.
package page
