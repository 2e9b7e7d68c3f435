package Pimap::Conformance::Trouble;

# Cases of a server in trouble: it is overloaded, frozen, or without Redis.

use strict;
use warnings;

use Test::More import => [qw(cmp_ok is ok plan)];

use Pimap::Process qw(wait_for);


# Redis is frozen when an update comes, takes it later, and the client gets no
# answer: it sends the update again, with the same id.

sub retry {
    my ($c) = @_;

    plan(tests => 4);

    my $redis = $c->{t}->redis();
    my $adapter = $c->adapter();

    $c->parked($adapter);
    $redis->pause();
    $adapter->do(update => id => 'again', update => { update => 'append' });

    # a connection that carries updates has no answer in the log

    wait_for(sub { grep { $_->[2] == 503 } $c->requests('/updates') }, 8);
    $redis->resume();

    ok($c->{t}->wait_for(sub { $c->carry_out('again') }, 'the update'),
        'an update without an answer is sent again');
    is($adapter->see('result', 'refused')->{see}, 'result',
        '    it has its result');
    is($c->carry_out('again'), 1, '    and was carried out once');
}


# A busy server names a time, which the client obeys.

sub backoff {
    my ($c) = @_;

    plan(tests => 4);

    my $t = $c->{t};
    my $busy = $t->write_file($t->dir() . '/busy', '');
    my $adapter = $c->adapter(path => 'busy');

    $t->wait_for(sub { $c->requests('/busy') >= 2 }, 'two requests');
    my @times = map { $_->[0] } $c->requests('/busy');

    cmp_ok($times[1] // 0, '>=', ($times[0] // 0) + 2.9,
        'a 503: it waits for Retry-After');
    cmp_ok(scalar(@times), '<=', 3, '    it does not come more often');

    unlink($busy);
    $c->parked($adapter);
    $c->log('QuotaExceed');
    is($adapter->event(), 'QuotaExceed', '    an event');
}


# The server is frozen: its connection stays open, and has no pings.

sub silence {
    my ($c) = @_;

    plan(tests => 5);

    my $t = $c->{t};
    my $adapter = $c->adapter(ping => 1, grace => 1);

    $c->parked($adapter);

    # the first ping tells the interval; a poll has none

    my $sent = pings($t);

    $t->wait_for(sub { pings($t) >= $sent + 2 }, 'pings')
        if ($c->{options}{transport} // '') ne 'poll';
    ok($adapter->quiet(0.5, 'closed'), 'with pings it stays connected');

    kill('STOP', $t->workers());
    ok($adapter->see('closed'), 'no pings: it gives the connection up');

    my $id = $c->log('QuotaExceed');

    kill('CONT', $t->workers());
    is($adapter->see('event')->{id}, $id,
        '    it comes back, and has an event of that time');
    ok($adapter->quiet(1, 'event'), '    once');
}


sub pings { return $_[0]->status()->{pings} }


1;
