"""Never trains."""

print("hello")
print(sum(range(10)))
