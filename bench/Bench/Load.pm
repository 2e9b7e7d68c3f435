package Bench::Load;

# Drives park and publish.

use strict;
use warnings;

use IO::Handle;
use IPC::Open2;
use IO::Socket::INET;
use JSON::PP;
use Time::HiRes qw/sleep time/;

use Bench::Server;

# The priority of the clients: devices and publishers.

our $nice = 0;

my $bin = "$Bench::Server::root/build/bench";

# Parks devices and returns when all of them are.

sub park {
    my ($class, $url, $devices, @options) = @_;

    my $self = bless { devices => $devices }, $class;

    $self->{pid} = open2($self->{out}, $self->{in}, 'nice', '-n', $nice,
        "$bin/park", @options, '-n', $devices, $url);
    $self->{in}->autoflush(1);

    my $stats;
    my $deadline = time() + 60 + $devices / 200;

    do {
        sleep 0.1;
        $stats = $self->stats();

        if ($stats->{failed} >= $devices || time() > $deadline) {
            die "cannot park: " . JSON::PP->new->canonical->encode($stats)
                . "\n";
        }
    } until $stats->{parked} == $devices;

    $self->{connects} = $stats->{connects_per_second};
    $self->{failed} = $stats->{failed};

    return $self;
}

sub ask {
    my ($self, $command) = @_;

    print { $self->{in} } "$command\n";

    my $line = readline($self->{out}) // die "park is gone\n";

    return decode_json($line);
}

sub stats { return $_[0]->ask('stats') }
sub mark { return $_[0]->ask('mark') }
sub dump { return $_[0]->ask("dump $_[1]") }

sub stop {
    my ($self) = @_;

    my $pid = delete $self->{pid} or return;

    close $self->{in};
    local $?;
    waitpid $pid, 0;
}

sub DESTROY { $_[0]->stop() }

# Publishes and returns when everything is delivered, or nothing comes any
# more: then "missing" is not 0.

sub publish {
    my (@options) = @_;

    open my $fh, '-|', 'nice', '-n', $nice, "$bin/publish", @options
        or die "publish: $!\n";
    my $line = readline($fh) // die "publish @options: failed\n";
    close $fh;

    my $result = decode_json($line);

    warn "publish: $result->{missing} events missing, $result->{failed}"
        . " failed\n" if $result->{missing} || $result->{failed};

    return $result;
}

# Nanoseconds for each step of reading an update.

sub parse { return decode_json(Bench::Server::command("$bin/parse")) }

# IMAP connections in IDLE; they last as long as the returned object.

sub idle {
    my ($port, $n) = @_;

    my @sockets;

    for my $i (1 .. $n) {
        my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port",
            Timeout => 10) or die "imap: $!\n";

        imap($s, '', qr/^\* OK/);
        imap($s, "a LOGIN user$i secret\r\n", qr/^a OK/);
        imap($s, "b SELECT INBOX\r\n", qr/^b OK/);
        imap($s, "c IDLE\r\n", qr/^\+/);

        push @sockets, $s;
    }

    return \@sockets;
}

sub imap {
    my ($s, $command, $answer) = @_;

    print $s $command;

    while (my $line = readline($s)) {
        return if $line =~ $answer;
        die "imap: $line" if $line =~ /^\w (NO|BAD)/;
    }

    die "imap: the connection was closed\n";
}

1;
