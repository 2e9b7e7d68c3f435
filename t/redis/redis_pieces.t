#!/usr/bin/perl

# Replies of Redis are read as they come: byte by byte, more at once than the
# worker reads, and messages that are longer than that.

use strict;
use warnings;

use List::Util qw(max);
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Proxy;

use constant READ => 65536;     # bytes that the worker reads at once
use constant MANY => 300;

my $t = Pimap->new();
my $redis = $t->redis();
my $proxy = Pimap::Proxy->new(t => $t, name => 'proxy', mode => 'bytes');

$t->plan(9);

# The proxy is slow: it sends nothing else while it sends bytes one by one.

$t->nginx()->{http} = 'pimap_redis redis://127.0.0.1:' . $proxy->port()
    . ' timeout=60s; pimap_buffer 4m;';

$redis->start();
$proxy->start();
$t->run();

my $s = $t->park('alice');

ok($s->read_until(qr/: parked\n.*\n\n/), 'byte by byte: parked');
ok($t->subscribed('alice'), '    subscribed');

publish(map { event($_, $_) } 1 .. 3);
is(arrived(3), '1 2 3', '    delivered');

my $other = $t->park('bob');

publish(event(4, 300));
is(arrived(1), '4', '    delivered, while another account subscribes');
ok($t->subscribed('bob'), '    which does');

$proxy->mode('open');

# The worker finds more than it reads at once, so a message is cut.

my ($worker) = $t->workers();

kill('STOP', $worker);
publish(map { event($_, 400 + $_) } 1 .. MANY);
ok($t->wait_for(sub { unread() >= READ / 2 }, 'messages in the socket'),
    'a worker that is stopped: messages wait');
kill('CONT', $worker);
is(arrived(MANY), join(' ', 1 .. MANY), '    all are delivered');

publish(event(1, 100), event(2, 65000), event(3, 65450), event(4, 100));
is(arrived(4), '1 2 3 4', 'messages as long as a read, and longer');

is(join('', grep { /lost redis/ } split(/^/, $t->log())), '',
    'no connection is lost');


# An event whose text has this length.

sub event {
    my ($uid, $len) = @_;

    my $text = qq({"event":"MessageNew","uid":$uid,"x":""});
    my $more = $len - length($text);

    substr($text, -2, 0, 'x' x $more) if $more > 0;
    return $text;
}


sub publish {
    my @texts = @_;

    $redis->together(sub { $redis->publish('alice', $_) for @texts });
}


# The bytes that the worker has not read from the proxy.

sub unread {
    my $port = sprintf('%04X', $proxy->port());
    my @queues = map { hex }
        $t->read_file('/proc/net/tcp')
            =~ /^ *\d+: \w+:\w+ \w+:$port \w+ \w+:(\w+)/mg;

    return max(@queues, 0);
}


sub arrived {
    my ($n) = @_;

    return join(' ', map { $_->{json}{uid} } $s->events($n));
}
