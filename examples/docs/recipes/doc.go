// Package recipes has the code of docs/recipes.md, a file for each recipe, with its
// tests. Copy what you need: the package is not meant to be imported.
package recipes
