package table

// Table is all that is shown. It is plain data.
type Table struct {
	// Source is the folder that the objects come from.
	Source   string    `json:"source"`
	Gateways []Gateway `json:"gateways"`
	// Troubles are what is wrong with objects and processes.
	Troubles []Trouble `json:"troubles,omitempty"`
	// Unread are the problems of files that could not be read.
	Unread []string `json:"unread,omitempty"`
	// Notes are what the user should know and need not mend.
	Notes []string `json:"notes,omitempty"`
}

// Gateway is one line of the table.
type Gateway struct {
	Namespace string   `json:"namespace"`
	Name      string   `json:"name"`
	Address   string   `json:"address,omitempty"`
	Ports     []string `json:"ports,omitempty"`
	// Programmed is the status of the condition, and Message its message.
	Programmed string `json:"programmed"`
	Message    string `json:"message,omitempty"`
	// Routes counts the routes that are attached to a listener.
	Routes int `json:"routes"`
	// Metrics are URLs.
	Metrics []string `json:"metrics,omitempty"`
}

// Trouble is one thing that is wrong.
type Trouble struct {
	// Object is "Kind namespace/name".
	Object string `json:"object"`
	// Field is the part of the object that is concerned, such as a listener or
	// a parentRef; empty when it is the object as a whole.
	Field   string `json:"field,omitempty"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}
