#!/usr/bin/perl

# In the bridge's log an outage of Redis is one line, for both connections and
# all attempts, and its end is one.  A right that is missing is one line, too.
# The bridge tells of other bridges, not of itself.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Proxy;

my $t = Pimap->new();
my $redis = $t->redis(port => 1);
my $proxy = Pimap::Proxy->new(t => $t, name => 'proxy', mode => 'open');
my $at = 'host = "127.0.0.1"; timeout = "500ms"; port = ';

$t->plan(15);
$_->start() for $redis, $proxy;

my $bridge = Pimap::Bridge->new(t => $t, redis => $at . $proxy->port() . ';',
    imap => $t->port('none'))->start()->wait_healthy();
my $outage = qr/\[error\].*: redis \(\w+\)/;
my $end = qr/\[notice\].*: redis: connected again/;

is(lines($outage), 0, 'Redis is there: no line');

# Another bridge

my $other = Pimap::Bridge->new(t => $t, name => 'other',
    redis => $at . $t->port('redis') . ';', imap => $t->port('none'))
    ->start()->wait_healthy();

ok($t->wait_for(sub { lines(qr/another bridge, "other-\S+", is alive/) }),
    'another bridge: a line');
$other->stop();
ok($t->wait_for(sub { lines(qr/another bridge, "other-\S+", is gone/) }),
    'it ends: a line');
is(lines(qr/"bridge-\S+", is/), 0, 'no line about itself');

# Redis is away.

for my $n (1, 2) {
    $redis->stop();
    ok(attempts(), "outage $n: the bridge tries again and again");
    is(lines($outage), $n, '    one line');
    $redis->start();
    $bridge->wait_healthy();
    is(lines($end), $n, '    and one at its end');
}

# A message that Redis publishes does not come back.

$proxy->mode('deaf');
ok(attempts(), 'a deaf subscriber: the bridge tries again and again');
is(lines($outage), 3, '    one line');
$proxy->mode('open');
$bridge->wait_healthy();
$t->wait_for(sub { lines($end) == 3 }, 'the end');

# A user without a right

$redis->command(qw(ACL SETUSER default -subscribe));
$redis->command(qw(CLIENT KILL TYPE pubsub));
ok(attempts(), 'no right to subscribe: the bridge tries again and again');
is(lines($outage), 5, '    a line of the loss, and one of the refusal');
is(lines(qr/\[error\].*NOPERM .*, give the user the rights that/), 1,
    '    with the remedy');
$bridge->stop();


# All connections try again, and write lines.

sub attempts {
    my $tried = qr/: redis \(\w+\).*, trying again/;
    my $before = lines($tried);

    return $t->wait_for(sub { lines($tried) > $before + 5 }, 'attempts');
}


sub lines {
    my ($re) = @_;
    return scalar(grep { $_ =~ $re } split(/\n/, $bridge->log()));
}
