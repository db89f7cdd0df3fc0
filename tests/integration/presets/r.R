# SPDX-License-Identifier: MIT
# R's distributions, each several times, and what is built on them.
show <- function(...) cat(sprintf("%a", c(...)), "\n")
for (pass in 1:3) {
    for (x in 1:3) {
        show(dnorm(x, 1.5, 2), dunif(x, 1, 5), dgamma(x, 1.5, 0.5), dbeta(x / 4, 1.5, 2))
        show(dlnorm(x), dchisq(x, 3), dchisq(x, 3, 0.5), df(x, 3, 6), dt(x, 3), dt(x, 3, 0.5))
        show(dbinom(x, 5, 0.4), dcauchy(x), dexp(x, 0.5), dgeom(x, 0.4), dhyper(x, 6, 5, 4))
        show(dnbinom(x, 5, 0.4), dnbinom(x, 5, mu = 2), dpois(x, 2.5), dweibull(x, 1.5, 2))
        show(dlogis(x), dbeta(x / 4, 1.5, 2, 0.5), df(x, 3, 6, 0.5), dwilcox(x, 3, 4))
        show(dsignrank(x, 4))
        show(pnorm(x, 1.5, 2), punif(x, 1, 5), pgamma(x, 1.5, 0.5), pbeta(x / 4, 1.5, 2))
        show(plnorm(x), pchisq(x, 3), pchisq(x, 3, 0.5), pf(x, 3, 6), pt(x, 3), pt(x, 3, 0.5))
        show(pbinom(x, 5, 0.4), pcauchy(x), pexp(x, 0.5), pgeom(x, 0.4), phyper(x, 6, 5, 4))
        show(pnbinom(x, 5, 0.4), pnbinom(x, 5, mu = 2), ppois(x, 2.5), pweibull(x, 1.5, 2))
        show(plogis(x), pbeta(x / 4, 1.5, 2, 0.5), pf(x, 3, 6, 0.5), pwilcox(x, 3, 4))
        show(psignrank(x, 4), ptukey(x, 3, 7.5))
    }
    for (p in c(0.25, 0.5, 0.9)) {
        show(qnorm(p, 1.5, 2), qunif(p, 1, 5), qgamma(p, 1.5, 0.5), qbeta(p, 1.5, 2))
        show(qlnorm(p), qchisq(p, 3), qchisq(p, 3, 0.5), qf(p, 3, 6), qt(p, 3), qt(p, 3, 0.5))
        show(qbinom(p, 5, 0.4), qcauchy(p), qexp(p, 0.5), qgeom(p, 0.4), qhyper(p, 6, 5, 4))
        show(qnbinom(p, 5, 0.4), qnbinom(p, 5, mu = 2), qpois(p, 2.5), qweibull(p, 1.5, 2))
        show(qlogis(p), qbeta(p, 1.5, 2, 0.5), qf(p, 3, 6, 0.5), qwilcox(p, 3, 4))
        show(qsignrank(p, 4), qtukey(p, 3, 7.5))
    }
    print(TukeyHSD(aov(breaks ~ wool + tension, data = warpbreaks), "tension", ordered = TRUE))
    show(suppressWarnings(c(qnorm(1.5), pbinom(1, 5, 2), qtukey(2, 3, 7.5))))
}
