package delivery

import (
	"reflect"
	"testing"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// Items differ by each field that the contract gives them.
func TestItemsDifferByEachField(t *testing.T) {
	eachField(t, sameRoute)
	eachField(t, sameBackend)
}

func eachField[T any](t *testing.T, same func(a, b T) bool) {
	var zero T
	if !same(zero, zero) {
		t.Errorf("%T is not the same as itself", zero)
	}
	for i := range reflect.TypeFor[T]().NumField() {
		var other T
		field := reflect.ValueOf(&other).Elem().Field(i)
		switch field.Kind() {
		case reflect.String:
			field.SetString("other")
		case reflect.Int32, reflect.Int64:
			field.SetInt(1)
		case reflect.Slice:
			field.Set(reflect.MakeSlice(field.Type(), 1, 1))
		case reflect.Pointer:
			field.Set(reflect.New(field.Type().Elem()))
		default:
			t.Fatalf("%T.%s is a %s", zero, reflect.TypeFor[T]().Field(i).Name, field.Kind())
		}
		if same(zero, other) || same(other, zero) {
			t.Errorf("two that differ in %s are the same", reflect.TypeFor[T]().Field(i).Name)
		}
	}
}

// What has the same content is the same, wherever it lies.
func TestItemsAreTheSameByContent(t *testing.T) {
	of := func(hostname, address string) *proxyconfig.Config {
		return &proxyconfig.Config{
			Routes:   []proxyconfig.Route{{Name: "r", Attachments: []proxyconfig.Attachment{{Hostnames: []string{hostname}}}}},
			Backends: []proxyconfig.Backend{{ID: "b", Endpoints: []proxyconfig.Endpoint{{Address: address}}}},
		}
	}
	for _, tt := range []struct {
		other *proxyconfig.Config
		want  bool
	}{
		{of("a", "10.0.0.1"), true},
		{of("b", "10.0.0.1"), false},
		{of("a", "10.0.0.2"), false},
		{&proxyconfig.Config{}, false},
	} {
		if got := sameItems(of("a", "10.0.0.1"), tt.other); got != tt.want {
			t.Errorf("got %v for %+v", got, tt.other)
		}
	}
}

// A configuration that says the same from other memory is compared in depth once: what
// is compared with the next one lies where that one's does.
func TestPartsFollowTheMemoryOfWhatIsTheSame(t *testing.T) {
	of := func() *proxyconfig.Config {
		return &proxyconfig.Config{Routes: []proxyconfig.Route{{Kind: "HTTPRoute", Name: "r", Rules: []proxyconfig.Rule{{Name: "rule"}}}}}
	}
	first, _, err := divide(of(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	again := of()
	next, encoded, err := divide(again, nil, first)
	if err != nil || encoded != 0 {
		t.Fatalf("%d parts were encoded, %v", encoded, err)
	}
	for _, c := range next {
		if &c.given.Routes[0].Rules[0] != &again.Routes[0].Rules[0] || c.kept != c.given {
			t.Error("the part keeps the memory of the configuration before")
		}
	}
}
