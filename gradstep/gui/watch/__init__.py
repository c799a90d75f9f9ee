"""The watch list: values and expressions that are looked at again at every stop."""
