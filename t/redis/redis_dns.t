#!/usr/bin/perl

# Redis by a host name.  With nginx's "resolver" the answer may be late or
# negative, and the worker serves requests meanwhile.  Without a resolver the
# name is looked up when nginx starts.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Dns;

my $t = Pimap->new(allow => qr/\[emerg\].* host not found in/);
my $redis = $t->redis(port => 1);
my $dns = Pimap::Dns->new(t => $t, name => 'dns', mode => 'silent');
my $port = $t->port('redis');
my $lost = qr/\[error\].* pimap (?:lost|cannot connect to) redis: /;

$t->plan(20);

$t->nginx()->{http} = "pimap_redis redis://redis.test:$port "
    . "connect_timeout=500ms timeout=2s;\npimap_drain 100ms;\n"
    . 'resolver 127.0.0.1:' . $t->port('dns') . ' ipv6=off valid=1s;';

$dns->start();
$t->run();

# The name server does not answer.

ok($t->wait_for(sub { $dns->noted('silent') }, 'a query'), 'asked');

my $s = $t->park('alice');

ok($s->read_until(qr/: parked\n.*\n\n/), 'parked while the name is looked up');
is($t->get('/status?ready')->{status}, 503, 'no answer: not ready');
is($t->publish('alice', { event => 'One' })->{status}, 503,
    'no answer: not published');
ok($t->wait_for(sub { $t->log_lines(qr/${lost}connect timed out/) == 1 },
    'a line'), 'said');

# The name server answers that there is no such name.

$dns->mode('missing');

ok($t->wait_for(sub { $dns->noted('missing') }, 'a query'), 'asked again');
ok($t->park('bob')->read_until(qr/: parked\n.*\n\n/),
    'parked without the name');
is($t->log_lines($lost), 1,
    'one log line an outage, not one a query');

# The name exists.

$dns->mode('127.0.0.1');

ok($t->wait_ready(), 'ready');
ok($t->subscribed('alice'), 'subscribed');
is($t->publish('alice', { event => 'Two' })->{json}{receivers}, 1,
    'published');
is(($s->event() // {})->{event}, 'Two', 'delivered');

# Redis moves: after a loss the name is looked up again.

$dns->mode('127.0.0.3');
$redis->stop();
ok($t->wait_for(sub { $t->log_lines($lost) == 2 }, 'the loss'),
    'lost');
$redis->{options} = ['bind 127.0.0.3'];
$redis->start();

ok($t->wait_ready(), 'ready at another address');
ok($t->subscribed('alice'), 'subscribed there');
is(($s->event() // {})->{event}, 'resync', 'another log: resync');
$redis->publish('alice', { event => 'Three' });
is(($s->event() // {})->{event}, 'Three', 'delivered from the new address');

# Without a resolver.

$redis->{options} = [];
$redis->restart();
$t->nginx()->{http} = "pimap_redis redis://localhost:$port;";
$t->reload();

ok($t->wait_ready(), 'no resolver: a name at start');

$t->nginx()->{http} = "pimap_redis redis://no.such.host.invalid:$port;";

my ($accepted, $output) = $t->nginx()->check();

ok(!$accepted, 'no resolver: a missing name is refused');
like($output, qr/\[emerg\].* host not found in "pimap_redis" \S*no\.such\./,
    'no resolver: the error names it');
