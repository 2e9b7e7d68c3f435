package Bench::Bridge;

# A bridge for a run, its metrics, and a connection that subscribes to all
# accounts, as nginx would.

use strict;
use warnings;

use IO::Socket::UNIX;
use Time::HiRes qw/sleep/;

use Bench::Gauge;
use Bench::Server;
use Pimap::Resp;

# redis => path; http => path; imap => port; watch, server => more of these
# groups; ca => file, if by TLS

sub start {
    my ($dir, %set) = @_;

    my $tls = $set{ca} ? "imaps\"; ca_file = \"$set{ca}" : 'off';

    open my $fh, '>', "$dir/bridge.conf" or die "bridge.conf: $!\n";
    print {$fh} <<"END";
log = "$dir/bridge.log";
listen = "unix:$set{http}";
redis = { host = "$set{redis}"; };
sessions = { $set{sessions} };
servers = ( { host = "127.0.0.1"; port = $set{imap}; tls = "$tls";
    master_user = "bridge"; master_password = "boss";
    master_separator = "*"; @{[ $set{server} // '' ]} } );
END
    close $fh;

    return Bench::Server::start('bridge', $dir,
        sub { metric($set{http}, 'redis_up') }, '/bin/sh', '-c',
        "ulimit -n \$(ulimit -Hn); exec $Bench::Server::root/build/"
        . "pimap-bridge -c $dir/bridge.conf");
}

# As that of a worker with a device of each account.

sub subscribe {
    my ($path, $n) = @_;

    my $devices = Pimap::Resp->connect($path);

    for (my $from = 0; $from < $n; $from += 500) {
        my $to = $from + 499 < $n - 1 ? $from + 499 : $n - 1;

        $devices->send('SUBSCRIBE', map { "pimap:{user$_}" } $from .. $to);
        $devices->reply() for $from .. $to;
    }

    return $devices;
}

# A number of /metrics, or the sum of those with other labels; 0 if it is not
# there.

sub metric {
    my ($path, $name) = @_;

    my $socket = IO::Socket::UNIX->new(Peer => $path) or return 0;
    my $text = '';
    my $sum = 0;

    $socket->syswrite("GET /metrics HTTP/1.1\r\nHost: _\r\n"
        . "Connection: close\r\n\r\n");
    1 while sysread($socket, $text, 65536, length $text);

    $name = $name =~ /\{/ ? quotemeta $name : "$name(?:\\{[^}]*\\})?";
    $sum += $_ for $text =~ /^pimap_bridge_$name (\d+)$/mg;

    return $sum;
}

# The share of a core that processes use.

sub load {
    my ($seconds, @servers) = @_;

    my @before = map { Bench::Gauge::cpu($_->{pid}) } @servers;

    sleep $seconds;

    return map { percent(Bench::Gauge::cpu($_->{pid}) - shift(@before),
        $seconds) } @servers;
}

sub percent { return sprintf '%.1f %%', $_[0] / 1e7 / $_[1] }

1;
