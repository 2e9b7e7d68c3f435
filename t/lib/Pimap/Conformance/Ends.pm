package Pimap::Conformance::Ends;

# Cases of a response that the server ends, or goes on with by other means.

use strict;
use warnings;

use Test::More import => [qw(is is_deeply ok plan)];


# Two clients with one device name do not throw each other out for ever.

sub supersede {
    my ($c) = @_;

    plan(tests => 7);

    my $old = $c->adapter();

    $c->parked($old);

    my $new = $c->adapter();

    $c->parked($new);
    ok($old->see('superseded'), 'another client of the device: it sees that');
    ok($new->quiet(3, 'superseded', 'closed'), '    and does not come back');
    is($c->{t}->status()->{parked}, 1, '    one is parked');

    $c->log('QuotaExceed');
    is($new->event(), 'QuotaExceed', '    the newer one has the events');
    is(scalar($old->seen('event')), 0, '    the older one has none');
}


# The token is bad from the start, then ends while the client is parked.  On a
# slow machine it may end before, so each token lives longer than the one
# before.

sub expiry {
    my ($c) = @_;

    plan(tests => 6);

    my $seconds = 4;
    my $adapter = $c->adapter(token => $c->login($c->{account}, -100));
    my $first = $adapter->see('login', 'failed', 'open');

    is($first->{see}, 'login', 'an expired token: it asks for another one');

    my $line = $first;

    while ($line->{see} eq 'login' && $seconds < 300) {
        $adapter->do(login => token => $c->login($c->{account}, $seconds));
        $line = $adapter->see('login', 'expired', 'failed');
        $seconds *= 2;
    }

    is($line->{see}, 'expired', 'its token ends: it sees that');
    is($line->{reason}, 'time', '    with the reason');
    is($adapter->see('login', 'failed')->{see}, 'login',
        '    it asks for another token');

    my $id = $c->log('QuotaExceed');

    $adapter->do(login => token => $c->login($c->{account}));
    is($adapter->see('event')->{id}, $id,
        '    with it, it comes back, and has an event of that time');
    ok($adapter->quiet(1, 'login', 'closed', 'event'), '    once');
}


# A reload loses nothing, and brings nothing twice.

sub reload {
    my ($c) = @_;

    plan(tests => 4);

    my ($t, $n) = ($c->{t}, 0);
    my $adapter = $c->adapter();

    $c->parked($adapter);

    for (1 .. 2) {
        $c->log('MessageNew', uid => ++$n);
        $t->reload();
        $c->log('MessageNew', uid => ++$n);
    }

    my $last = $adapter->see('event');

    $last = $adapter->see('event')
        while $last && $last->{data}{uid} < $n;

    ok($last, 'reloads: it has the last event');
    is(join(' ', map { $_->{data}{uid} } $adapter->seen('event')),
        join(' ', 1 .. $n), '    and the others, each once, in order');
    is(scalar($adapter->seen('resync')), 0, '    without a resync');
}


# The server keeps a sleeping device at a reload; the client notices nothing.

sub hibernate {
    my ($c) = @_;

    plan(tests => 6);

    my $t = $c->{t};
    my $adapter = $c->adapter(path => 'asleep');

    $c->parked($adapter);
    ok($t->wait_for(sub { $t->status()->{devices}{hibernated} == 1 }, 'sleep'),
        'its connection is hibernated');

    $c->log('MessageNew', uid => 1);
    is($adapter->see('event')->{data}{uid}, 1, '    an event reaches it');

    $t->reload();
    $t->subscribed($c->{account});
    $c->log('MessageNew', uid => 2);
    is($adapter->see('event')->{data}{uid}, 2, '    after a reload, too');
    is(scalar($adapter->seen('closed')), 0, '    on the same connection');
    is(scalar($adapter->seen('open')), 1, '    with one request');
}


1;
