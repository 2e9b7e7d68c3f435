package Pimap::Crowd;

# Many devices, by HTTP and HTTPS, an account for each two of them, whose
# events are counted, not read; and publishers, by FCALL and by PUBLISH at
# once.  The clients are those of bench/.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../../bench";

use Bench::Load;


# t => the test, which runs; accounts; rate => events a second, seconds

sub new {
    my ($class, %set) = @_;

    return bless({ rate => 1000, publishers => [], %set }, $class);
}


sub devices { return 2 * $_[0]{accounts} }
sub kinds { return sort(keys(%{ $_[0]{load} })) }


# True if the clients could be built.

sub build {
    my ($self) = @_;

    return system('make', '-s', '-C', $self->{t}->root() . '/bench') == 0;
}


sub park {
    my ($self) = @_;

    my $t = $self->{t};

    $self->{load}{$_} = Bench::Load->park("$_://127.0.0.1:" . $t->port($_)
        . "/events?account=account-%a&device=$_", $self->{accounts}, '-b',
        $t->dir() . "/board.$_", '-k', 50) for qw(http https);
}


sub publish {
    my ($self) = @_;

    my $t = $self->{t};
    my $rate = $self->{rate} / 2;

    for my $way (['FCALL', '-f'], ['PUBLISH', '-s', 2]) {
        my ($name, @options) = @$way;

        push(@{ $self->{publishers} }, $t->start(name => $name,
            output => $t->dir() . "/$name.out",
            command => [$t->root() . '/build/bench/publish', '-R',
                $t->redis()->socket(), @options, '-a', $self->{accounts},
                '-n', $rate * $self->{seconds}, '-r', $rate,
                '-l', $t->dir() . "/$name.list"]));
    }
}


sub publishing {
    my ($self) = @_;

    return scalar(grep { $_->running() } @{ $self->{publishers} });
}


# The number of events of each account, in all or by one way.

sub published {
    my ($self, @ways) = @_;

    my $t = $self->{t};
    my %n;

    $t->wait_for(sub { !$self->publishing() }, 'the publishers', 60);

    for my $way (@ways ? @ways : qw(FCALL PUBLISH)) {
        $n{$_}++ for split(/\n/, $t->read_file($t->dir() . "/$way.list"));
    }

    return \%n;
}


# The number of events of each device of a kind; waits for the last event.

sub got {
    my ($self, $kind) = @_;

    my ($t, $load) = ($self->{t}, $self->{load}{$kind});
    my $path = $t->dir() . "/devices.$kind";

    $t->wait_for(sub { $load->stats()->{events}
        >= $self->{rate} * $self->{seconds} }, "the events of $kind");
    $load->dump($path);

    return { map { (split)[0, 1] } split(/\n/, $t->read_file($path)) };
}


sub closed { return $_[0]{load}{ $_[1] }->stats()->{closed} }
sub stop { $_->stop() for values(%{ $_[0]{load} }) }


1;
