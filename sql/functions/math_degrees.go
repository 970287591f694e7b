package functions

import "math"

// The trigonometric functions in degrees are exact where the result is a simple number: sind(30) is 0.5, and not what
// the sine of the nearest double to pi/6 is. As in PostgreSQL each quarter turn is put together from two functions
// scaled by their own values at the ends, so that rounding cancels there: the sine on [0, 30] and the cosine on
// [0, 60] degrees, the arc sine on [0, 0.5] and the arc cosine on [0.5, 1].

// degreeFuncs lists them.
func degreeFuncs() []*Function {
	return []*Function{
		float8Fn("sind", finiteArg(sind)), float8Fn("cosd", finiteArg(cosd)), float8Fn("tand", finiteArg(tand)), float8Fn("cotd", finiteArg(cotd)),
		float8Fn("asind", unitArg(asind)), float8Fn("acosd", unitArg(acosd)), float8Fn("atand", plainFloat(atand)),
		scalar("atan2d", "float8,float8->float8", twoFloats(atan2d)),
	}
}

// radiansPerDegree is a variable so that products with it round as doubles do, and not as constants.
var radiansPerDegree float64 = math.Pi / 180

// The values at the ends of the pieces, computed as those within are.
var (
	sin30         = exactSin(30 * radiansPerDegree)
	oneMinusCos60 = 1 - exactCos(60*radiansPerDegree)
	asinHalf      = exactAsin(0.5)
	acosHalf      = exactAcos(0.5)
	atanOne       = exactAtan(1)
	tan45         = sindQuarter(45) / cosdQuarter(45)
	cot45         = cosdQuarter(45) / sindQuarter(45)
)

// sind30 is the sine of [0, 30] degrees, exact at both ends.
func sind30(x float64) float64 { return exactSin(x*radiansPerDegree) / sin30 / 2 }

// cosd60 is the cosine of [0, 60] degrees, exact at both ends.
func cosd60(x float64) float64 { return 1 - (1-exactCos(x*radiansPerDegree))/oneMinusCos60/2 }

// sindQuarter is the sine of [0, 90] degrees.
func sindQuarter(x float64) float64 {
	if x <= 30 {
		return sind30(x)
	}
	return cosd60(90 - x)
}

// cosdQuarter is the cosine of [0, 90] degrees.
func cosdQuarter(x float64) float64 {
	if x <= 60 {
		return cosd60(x)
	}
	return sind30(90 - x)
}

// quarter folds an angle into [0, 90] degrees; negative, lower and left tell what it took: a negative angle, one in the
// lower half of the circle, one in its left half.
func quarter(x float64) (angle float64, negative, lower, left bool) {
	x = math.Mod(x, 360)
	if x < 0 {
		x, negative = -x, true
	}
	if x > 180 {
		x, lower = 360-x, true
	}
	if x > 90 {
		x, left = 180-x, true
	}
	return x, negative, lower, left
}

// signed gives x, or -x if an odd number of the flips is set.
func signed(x float64, flips ...bool) float64 {
	for _, f := range flips {
		if f {
			x = -x
		}
	}
	return x
}

func sind(x float64) float64 {
	x, negative, lower, _ := quarter(x)
	return signed(sindQuarter(x), negative, lower)
}

func cosd(x float64) float64 {
	x, _, _, left := quarter(x)
	return signed(cosdQuarter(x), left)
}

// tand and cotd add 0 to turn -0 into 0.
func tand(x float64) float64 {
	x, negative, lower, left := quarter(x)
	return signed(sindQuarter(x)/cosdQuarter(x)/tan45, negative, lower, left) + 0
}

func cotd(x float64) float64 {
	x, negative, lower, left := quarter(x)
	return signed(cosdQuarter(x)/sindQuarter(x)/cot45, negative, lower, left) + 0
}

// asindQuarter is the arc sine of [0, 1] in degrees, exact at 0, 0.5 and 1.
func asindQuarter(x float64) float64 {
	if x <= 0.5 {
		return exactAsin(x) / asinHalf * 30
	}
	return 90 - float64(exactAcos(x)/acosHalf*60)
}

// acosdQuarter is the arc cosine of [0, 1] in degrees, exact at 0, 0.5 and 1.
func acosdQuarter(x float64) float64 {
	if x <= 0.5 {
		return 90 - float64(exactAsin(x)/asinHalf*30)
	}
	return exactAcos(x) / acosHalf * 60
}

func asind(x float64) float64 {
	if x < 0 {
		return -asindQuarter(-x)
	}
	return asindQuarter(x)
}

func acosd(x float64) float64 {
	if x < 0 {
		return 90 + asindQuarter(-x)
	}
	return acosdQuarter(x)
}

func atand(x float64) float64 { return exactAtan(x) / atanOne * 45 }

func atan2d(y, x float64) float64 { return exactAtan2(y, x) / atanOne * 45 }
