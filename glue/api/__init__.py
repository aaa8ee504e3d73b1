"""The HTTP interface: routes, who may use them, and the document that describes them."""
