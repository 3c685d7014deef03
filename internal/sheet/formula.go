package sheet

import "strconv"

// escapeFormula puts ' before a cell that spreadsheets would compute: one that begins with = + - @, a tab or a carriage return (the list is OWASP's, "CSV
// Injection"). Plain numbers are left alone, so that -5 and +48601234567 stay what they are.
func escapeFormula(cell string) string {
	if cell == "" {
		return cell
	}
	switch cell[0] {
	case '=', '@', '\t', '\r':
		return "'" + cell
	case '+', '-':
		if !plainNumber(cell[1:]) {
			return "'" + cell
		}
	}
	return cell
}

// plainNumber tells decimal digits with at most one point.
func plainNumber(text string) bool {
	for _, char := range text {
		if (char < '0' || char > '9') && char != '.' {
			return false
		}
	}
	_, err := strconv.ParseFloat(text, 64)
	return err == nil
}
